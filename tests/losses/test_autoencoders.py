"""Plain and denoising autoencoders."""

import pytest
import pytorch_lightning as pl
import torch

from analysis.linear import SHAPE, linear_vae
from vae_exp.build import build_data, build_model, build_module, build_trainer
from vae_exp.losses.ae import Autoencoder
from vae_exp.losses.denoising import Denoising
from vae_exp.losses.elbo import ELBO
from vae_exp.schedules import Constant
from vae_exp.types import Context

X = torch.rand(2000, *SHAPE, generator=torch.Generator().manual_seed(1), dtype=torch.float64) + 0.5


def denoising(**settings):
    return Denoising(**{"noise_std": 0.0, "masked": 0.25, "beta": 0.0} | settings)


def test_ae_is_the_distortion_and_nothing_else():
    model = linear_vae(2)
    out = model({"x": X}, 3)
    result = Autoencoder()(out, {"x": X}, Context(100, model))
    squared = (X - out.p_x.mean).square().sum((-1, -2, -3)) / (2 * 0.1**2)
    constant = 6 * (torch.tensor(2 * torch.pi).double().log() / 2 + torch.tensor(0.1).double().log())
    # the model keeps log sigma in single precision
    torch.testing.assert_close(result.terms["distortion"], squared + constant, rtol=1e-6, atol=1e-5)
    torch.testing.assert_close(result.loss, result.terms["distortion"].mean())
    assert set(result.terms) == {"distortion"}


def test_neither_needs_a_density_unless_the_rate_has_a_weight():
    assert Autoencoder().needs == denoising().needs == ()
    assert denoising(beta=0.5).needs == ("density",)


def test_masking_zeroes_its_share_and_leaves_the_rest():
    shown = denoising(masked=0.25).prepare({"x": X})["x"]
    assert (shown == 0).double().mean().item() == pytest.approx(0.25, abs=0.01)
    assert (shown[shown != 0] == X[shown != 0]).all()


def test_noise_has_its_standard_deviation_and_is_not_for_masked_values():
    noise = denoising(noise_std=0.3, masked=0.0).prepare({"x": X})["x"] - X
    assert noise.mean().item() == pytest.approx(0.0, abs=0.01)
    assert noise.std().item() == pytest.approx(0.3, abs=0.01)
    both = denoising(noise_std=0.3, masked=0.25).prepare({"x": X})["x"]
    assert (both == 0).double().mean().item() == pytest.approx(0.25, abs=0.01)


def test_the_clean_example_is_scored_and_the_rest_of_the_batch_kept():
    y = torch.arange(len(X))
    batch = denoising().prepare({"x": X, "y": y})
    assert batch["y"] is y
    assert batch["target"] is X
    other = 1 - X
    assert denoising().prepare({"x": X, "target": other})["target"] is other
    model = linear_vae(2)
    out = model(batch)
    result = denoising()(out, batch, Context(100, model))
    torch.testing.assert_close(result.loss, -out.p_x.log_prob(X).mean())


def test_with_a_weight_it_is_the_elbo_of_the_clean_given_the_corrupted():
    model = linear_vae(2)
    batch = denoising().prepare({"x": X})
    out = model(batch)
    elbo = ELBO(beta=0.7, schedule=Constant(), free_bits=0.0, free_bits_per="dimension", num_samples=1)(
        out, batch, Context(100, model)
    )
    torch.testing.assert_close(denoising(beta=0.7)(out, batch, Context(100, model)).loss, elbo.loss)


def test_corrupting_nothing_is_refused():
    with pytest.raises(ValueError, match="corrupt nothing"):
        denoising(masked=0.0)


def test_only_training_is_corrupted(settings, monkeypatch):
    cfg = settings("loss=denoising", "trainer.limit_train_batches=1", "trainer.max_epochs=1")
    data = build_data(cfg)
    module, trainer = build_module(cfg, build_model(cfg, data.spec)), build_trainer(cfg)
    seen = {True: [], False: []}
    plain = module.model.forward

    def watched(batch, num_samples=1):
        seen[module.model.training].append(("target" in batch, (batch["x"] == 0).float().mean().item()))
        return plain(batch, num_samples)

    monkeypatch.setattr(module.model, "forward", watched)
    pl.seed_everything(0, verbose=False)
    trainer.fit(module, datamodule=data, weights_only=True)
    (zeros,) = [zeros for target, zeros in seen[True] if target]
    assert seen[False]
    assert not any(target for target, _ in seen[False])
    assert all(share < zeros - 0.05 for _, share in seen[False])
