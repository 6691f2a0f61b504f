"""Structural similarity against scipy, and a network of features that nothing changes."""

import numpy as np
import pytest
import pytorch_lightning as pl
import scipy.ndimage
import torch
from torch import nn

from analysis.linear import SHAPE, linear_vae
from vae_exp.build import build_data, build_model, build_module, build_trainer
from vae_exp.errors import UserError
from vae_exp.losses.perceptual import Perceptual
from vae_exp.losses.similarities.base import Similarity
from vae_exp.losses.similarities.features import Features
from vae_exp.losses.similarities.ms_ssim import MSSSIM
from vae_exp.structural_similarity import EXPONENTS
from vae_exp.types import Context

GENERATOR = torch.Generator().manual_seed(3)


def pictures(*shape):
    return torch.rand(*shape, generator=GENERATOR, dtype=torch.float64)


class SquaredError(Similarity):
    """One that can be worked by hand."""

    def __init__(self, *, x_shape):
        super().__init__()

    def forward(self, decoded, x):
        return (decoded - x).square().flatten(2).sum(-1)


def perceptual(**settings):
    given = {"similarity": SquaredError, "similarity_weight": 3.0, "distortion_weight": 0.5, "beta": 0.7} | settings
    return Perceptual(x_shape=SHAPE, **given)


def test_loss_is_the_sum_of_its_weighted_terms_and_targets_are_what_is_scored():
    model, x, target = linear_vae(2), pictures(4, *SHAPE), pictures(4, *SHAPE)
    batch = {"x": x, "target": target}
    out = model(batch, 3)
    result = perceptual()(out, batch, Context(100, model))
    ((q, _, _),) = out.latents
    rate = 0.5 * (q.mean**2 + q.variance - 1 - q.variance.log()).sum(-1)
    apart = (out.p_x.mean - target).square().flatten(2).sum(-1)
    distortion = -out.p_x.log_prob(target)
    torch.testing.assert_close(result.loss, 3 * apart.mean() + 0.5 * distortion.mean() + 0.7 * rate.mean())
    for name, by_hand in {"distortion": distortion, "rate": rate, "dissimilarity": apart}.items():
        torch.testing.assert_close(result.terms[name], by_hand)


def test_without_a_rate_it_needs_no_density():
    assert perceptual().needs == ("density",)
    assert perceptual(beta=0.0).needs == ()
    model, batch = linear_vae(2), {"x": pictures(4, *SHAPE)}
    assert set(perceptual(beta=0.0)(model(batch), batch, Context(1, model)).terms) == {"distortion", "dissimilarity"}


def test_a_loss_without_likeness_is_refused():
    with pytest.raises(ValueError, match="ask for no likeness"):
        perceptual(similarity_weight=0.0, distortion_weight=0.0)


# MS-SSIM


def by_scipy(a, b, sigma, exponents):
    """MS-SSIM of two pictures [C, H, W], with each scale mapped to [0, 1]."""
    width = int(3.5 * sigma + 0.5)
    found = 1.0
    for scale, exponent in enumerate(exponents):
        values = []
        for one, other in zip(a, b, strict=True):
            blur = lambda v: scipy.ndimage.gaussian_filter(v, sigma, mode="mirror", radius=width)  # noqa: E731
            m1, m2 = blur(one), blur(other)
            v1, v2, cov = blur(one**2) - m1**2, blur(other**2) - m2**2, blur(one * other) - m1 * m2
            contrast = (2 * cov + 0.03**2) / (v1 + v2 + 0.03**2)
            luminance = (2 * m1 * m2 + 0.01**2) / (m1**2 + m2**2 + 0.01**2)
            last = scale == len(exponents) - 1
            values.append((luminance * contrast if last else contrast)[width:-width, width:-width].mean())
        found *= ((1 + np.mean(values)) / 2) ** exponent
        h, w = a.shape[1] // 2, a.shape[2] // 2
        a, b = (v[:, : 2 * h, : 2 * w].reshape(-1, h, 2, w, 2).mean((2, 4)) for v in (a, b))
    return found


@pytest.mark.parametrize(
    ("shape", "sigma", "scales"),
    [((1, 28, 28), 1.5, 2), ((3, 32, 34), 1.5, 2), ((1, 8, 8), 0.5, 1), ((2, 51, 47), 0.8, 3)],
)
def test_ms_ssim_matches_scipy_and_uses_the_scales_that_fit(shape, sigma, scales):
    similarity = MSSSIM(x_shape=shape, sigma=sigma)
    total = sum(EXPONENTS[:scales])
    assert similarity.exponents == pytest.approx([w / total for w in EXPONENTS[:scales]])
    decoded, x = pictures(2, 3, *shape), pictures(3, *shape)
    found = similarity(decoded, x)
    assert found.shape == (2, 3)
    pairs = zip(decoded.flatten(0, 1).numpy(), x.numpy()[[0, 1, 2, 0, 1, 2]], strict=True)
    expected = np.reshape([1 - by_scipy(*pair, sigma, similarity.exponents) for pair in pairs], (2, 3))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6)


def test_ms_ssim_has_five_scales_from_176_pixels_on():
    assert [len(MSSSIM(x_shape=(1, side, 200), sigma=1.5).exponents) for side in (175, 176)] == [4, 5]


def test_ms_ssim_of_equal_pictures_is_one_and_of_a_negative_has_a_gradient():
    similarity, x = MSSSIM(x_shape=(1, 28, 28), sigma=1.5), pictures(4, 1, 28, 28)
    torch.testing.assert_close(similarity(x[None], x), torch.zeros(1, 4).double(), rtol=0, atol=1e-7)
    for other in (1 - x, torch.zeros_like(x), x.round()):
        decoded = other[None].clone().requires_grad_()
        apart = similarity(decoded, x)
        apart.sum().backward()
        assert ((apart > 0) & (apart < 1)).all()
        assert torch.isfinite(decoded.grad).all()
        assert decoded.grad.any()


@pytest.mark.parametrize(
    ("shape", "sigma", "message"),
    [
        ((1, 8, 8), 1.5, "11 pixels, which should be from 3 to 8.*use a sigma from 0.15 to 0.86"),
        ((1, 28, 28), 0.1, "1 pixels, which should be from 3 to 28"),
        ((1, 2, 28), 1.5, "needs pictures of 3x3 or more"),
        ((20,), 1.5, "needs pictures of 3x3 or more"),
    ],
)
def test_pictures_that_the_window_does_not_fit_are_refused(shape, sigma, message):
    with pytest.raises(ValueError, match=message):
        MSSSIM(x_shape=shape, sigma=sigma)


def test_the_sigma_that_a_refusal_offers_will_do():
    for side in range(3, 40):
        for sigma in (0.15, float(f"{(side - 1) // 2 / 3.5:.2f}")):
            assert MSSSIM(x_shape=(1, side, side), sigma=sigma).exponents


# Features


class Network(nn.Module):
    """With a state that training would change."""

    def __init__(self, in_shape, out_shape):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(64, *out_shape), nn.BatchNorm1d(*out_shape))

    def forward(self, x):
        return self.layers(x)


def features(**settings):
    return Features(**{"x_shape": (1, 8, 8), "network": Network, "num_features": 5, "weights": None} | settings)


def test_features_are_those_of_the_file_and_their_distance_half_the_square(tmp_path):
    net = Network((1, 8, 8), (5,))
    net.layers[2].running_mean.uniform_()
    torch.save(net.state_dict(), tmp_path / "net.pt")
    similarity = features(weights=str(tmp_path / "net.pt")).double()
    decoded, x = pictures(2, 3, 1, 8, 8).requires_grad_(), pictures(3, 1, 8, 8)
    f = net.double().eval()
    by_hand = torch.stack([0.5 * (f(one) - f(x)).square().sum(1) for one in decoded])
    torch.testing.assert_close(similarity(decoded, x), by_hand)
    similarity(decoded, x).sum().backward()
    assert decoded.grad.any()


def test_features_are_neither_trained_nor_saved(settings, tmp_path):
    loss = ("loss=perceptual", "loss/similarity=features", "loss/features@loss.similarity.network=mlp")
    chosen = settings(
        *loss, "loss.similarity.weights=null",
        "loss.similarity.network.norm=batch", "loss.similarity.network.hidden=[8]",
        "trainer.max_epochs=1", "trainer.limit_train_batches=3", "~callbacks.pictures",
    )  # fmt: skip
    pl.seed_everything(0, verbose=False)
    data = build_data(chosen)
    module, trainer = build_module(chosen, build_model(chosen, data.spec)), build_trainer(chosen)
    (net,) = module.loss.similarity._network
    before = {name: value.clone() for name, value in net.state_dict().items()}
    trainer.fit(module, datamodule=data, weights_only=True)
    assert all(value.equal(before[name]) for name, value in net.state_dict().items())
    assert not net.training
    assert not any("similarity" in name for name in module.state_dict())
    assert not list(module.loss.parameters())


def test_weights_that_do_not_fit_are_refused_in_a_sentence(tmp_path):
    broken, other, program = tmp_path / "broken.pt", tmp_path / "other.pt", tmp_path / "program.pt"
    broken.write_bytes(b"no weights")
    torch.save(nn.Linear(2, 2).state_dict(), other)
    torch.save(nn.Linear(2, 2), program)  # pickled code is not run
    for path, message in (
        (tmp_path / "none.pt", "is not a file"), (broken, "cannot be read"), (program, "cannot be read"),
        (other, "does not fit loss.similarity.network"),
    ):  # fmt: skip
        with pytest.raises(UserError, match=message) as refusal:
            features(weights=str(path))
        assert "\n" not in str(refusal.value)


def test_a_network_of_other_pictures_is_refused():
    with pytest.raises(ValueError, match=r"does not take pictures of \(1, 9, 9\)"):
        features(x_shape=(1, 9, 9))
    with pytest.raises(ValueError, match="should give one tensor"):
        features(network=lambda in_shape, out_shape: nn.Flatten(0))
