"""The regularized autoencoder: its terms by hand, the Jacobian by another way, and layers of spectral norm one."""

import io

import pytest
import torch
from torch.autograd.functional import jacobian

from vae_exp.build import build_loss, build_model
from vae_exp.config.check import check
from vae_exp.config.compose import compose
from vae_exp.errors import UserError
from vae_exp.types import Context, DataSpec

X = torch.rand(5, 1, 4, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64).round()


TANH = ("model.decoder.hidden=[16]", "model.decoder.activation=Tanh")


def made(*overrides, posterior="delta"):
    small = (
        "data=digits",
        "loss=rae",
        f"model/posterior={posterior}",
        "model.latent_dim=3",
        "model.encoder.hidden=[16]",
    )
    chosen = check(compose("train", [*small, "run_dir=unused", *overrides]))
    model = build_model(chosen, DataSpec((1, 4, 3), "binary", 100, 10))
    loss = build_loss(chosen, model)
    return model.double(), loss


def stepped(model, loss, batch=None):
    batch = batch or {"x": X}
    model.zero_grad()
    result = loss(model(batch), batch, Context(100, model))
    result.loss.backward()
    return result, [weight.grad.clone() for weight in model.parameters()]


def test_loss_is_the_sum_of_its_weighted_terms():
    model, loss = made(*TANH, "loss.beta=0.3", "loss.regularizer.weight=0.7")
    result, _ = stepped(model, loss)
    z = model.encode(X).mean
    squares = sum(weight.square().sum() for weight in model.decoder.parameters())
    distortion = -model.decode(z).log_prob(X)
    torch.testing.assert_close(result.terms["distortion"], distortion[None])
    torch.testing.assert_close(result.terms["latent_size"], 0.5 * z.square().sum(1)[None])
    torch.testing.assert_close(result.terms["regularizer"], squares)
    by_hand = distortion.mean() + 0.3 * 0.5 * z.square().sum(1).mean() + 0.7 * squares
    torch.testing.assert_close(result.loss, by_hand)


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
@pytest.mark.parametrize(("norm", "context"), [("none", "none"), ("layer", "none"), ("layer", "label")])
def test_gradient_penalty_is_the_squared_jacobian_at_each_latent(likelihood, norm, context):
    model, loss = made(
        *TANH, f"model.decoder.norm={norm}",
        "loss/regularizer=gradient_penalty", f"model/likelihood={likelihood}", f"model.context={context}",
        "loss.regularizer.weight=0.7",
    )  # fmt: skip
    batch = {"x": X} | ({"y": torch.arange(5)} if context == "label" else {})
    result, found = stepped(model, loss, batch)
    y = batch.get("y")
    z = model.encode(X, y).mean
    by_row = [
        jacobian(lambda one, i=i: model.decode(one[None], None if y is None else y[i : i + 1]).mean, row, True)
        for i, row in enumerate(z)
    ]
    penalty = torch.stack([rows.square().sum() for rows in by_row])
    torch.testing.assert_close(result.terms["regularizer"], penalty[None])
    whole = -model.decode(z, y).log_prob(X).mean() + loss.beta * 0.5 * z.square().sum(1).mean() + 0.7 * penalty.mean()
    torch.testing.assert_close(result.loss, whole)
    for gradient, by_hand in zip(found, torch.autograd.grad(whole, list(model.parameters())), strict=True):
        torch.testing.assert_close(gradient, by_hand)


def test_gradient_penalty_of_a_linear_decoder_is_its_squared_weight():
    linear = ("model/decoder=linear", "model/likelihood=gaussian", "loss/regularizer=gradient_penalty")
    model, loss = made(*linear)
    result, _ = stepped(model, loss)
    weight = next(p for p in model.decoder.parameters() if p.ndim == 2)
    torch.testing.assert_close(result.terms["regularizer"], weight.square().sum().expand(1, 5))


@pytest.mark.parametrize(
    ("posterior", "overrides", "message"),
    [
        ("diag_normal", (), "RAE needs a posterior that is a point"),
        ("delta", ("model/prior=mixture",), "a prior with nothing to learn"),
        ("delta", ("loss/regularizer=gradient_penalty", "model.decoder.norm=batch"), "without batch normalisation"),
        ("delta", ("loss/regularizer=spectral_norm",), "model/decoder=spectral_norm makes"),
    ],
)
def test_a_model_that_it_does_not_apply_to_is_refused(posterior, overrides, message):
    with pytest.raises(UserError, match=message):
        made(*overrides, posterior=posterior)


def spectral(net="mlp"):
    mlp = ("model.decoder.net.hidden=[16]", "model.decoder.net.norm=none")
    widths = mlp if net == "mlp" else ("model.decoder.net.channels=[4]",)
    decoder = ("model/decoder=spectral_norm", f"model/decoder@model.decoder.net={net}", *widths)
    return made("loss/regularizer=spectral_norm", *decoder)


def layers(model):
    return [layer for layer in model.decoder.modules() if isinstance(layer, torch.nn.Linear)]


def test_layers_of_a_spectral_norm_decoder_have_a_spectral_norm_of_one():
    model, loss = spectral()
    with torch.no_grad():
        for layer in layers(model):
            layer.parametrizations.weight.original.mul_(5)
    for _ in range(100):  # power iterations
        result, gradients = stepped(model, loss)
    assert result.terms["regularizer"] == 0
    assert all(torch.isfinite(gradient).all() for gradient in gradients)
    model.eval()
    assert len(layers(model)) == 2
    for layer in layers(model):
        assert torch.linalg.matrix_norm(layer.weight, 2).item() == pytest.approx(1, abs=1e-6)
    a, b = torch.randn(50, 3).double(), torch.randn(50, 3).double()
    moved = (model.decoder(a) - model.decoder(b)).flatten(1).norm(dim=1)
    assert (moved <= (a - b).norm(dim=1) * 1.11).all()  # SiLU has a slope of up to 1.1


def test_a_spectral_norm_decoder_is_saved_and_read():
    (model, _), (other, _) = spectral(), spectral()
    buffer = io.BytesIO()
    torch.save(model.state_dict(), buffer)
    buffer.seek(0)
    other.load_state_dict(torch.load(buffer, weights_only=True))
    z = torch.randn(4, 3).double()
    torch.testing.assert_close(other.eval().decode(z).mean, model.eval().decode(z).mean, rtol=0, atol=0)


def test_a_decoder_of_convolutions_can_have_a_spectral_norm_too():
    model, loss = spectral("conv")
    _, gradients = stepped(model, loss)
    assert all(torch.isfinite(gradient).all() for gradient in gradients)
