"""M1+M2: its bound, and M1's weights, which come from a run and stay as they are."""

import math
from contextlib import nullcontext

import pytest
import torch

from analysis.linear import linear_vae
from vae_exp.build import build_data, build_loss, build_model, build_module, build_trainer
from vae_exp.checkpoints import load_weights, read_checkpoint
from vae_exp.distributions.kl import distortion, log_weights, rate
from vae_exp.errors import UserError
from vae_exp.models.m1_m2 import M1M2
from vae_exp.priors.standard_normal import StandardNormal
from vae_exp.types import Context, DataSpec

from .labelled import CLASSES, LAYER, POSTERIOR, STYLES

SMALL = (
    "model=m1_m2", "loss=m2", "model.m1.latent_dim=4", "model.m1.encoder.hidden=[8]", "model.m1.decoder.hidden=[8]",
    "model.classifier.hidden=[8]", "data.num_labels=50", "trainer.max_epochs=1", "callbacks.pictures=null",
)  # fmt: skip


@torch.no_grad()
def test_rate_and_distortion_are_the_bound_that_the_weights_estimate():
    """The rate of the features in closed form would pair them with the styles of other features."""
    spec = DataSpec((1, 2, 3), "unit_interval", 100, CLASSES)
    model = M1M2(
        spec=spec, m1=lambda spec: linear_vae(4), features=None, latent_dim=STYLES, temperature=0.5, classifier=LAYER,
        encoder=LAYER, decoder=LAYER, posterior=POSTERIOR, prior=StandardNormal, feature_prior=POSTERIOR,
    ).double().eval()  # fmt: skip
    with torch.no_grad():  # styles that follow the features closely, so that the pairing matters
        model.parts.decoder.layers[-1].bias[4:] = -2.0
        model.parts.encoder.layers[-1].bias[STYLES:] = -3.0
    x = torch.rand(3, 1, 2, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    out = model({"x": x}, 100_000)
    bound = distortion(out, {"x": x}) + rate(out)
    margin = 5 * float((bound + log_weights(out, x)).std(0).max()) / math.sqrt(100_000)
    torch.testing.assert_close(bound.mean(0), -log_weights(out, x).mean(0), atol=margin, rtol=0)


@pytest.fixture
def m1(settings):
    """Folder of a trained run of the model m1."""
    chosen = settings(
        "model.latent_dim=4", "model.encoder.hidden=[8]", "model.decoder.hidden=[8]", "trainer.max_epochs=1",
        "callbacks.pictures=null", folder="m1",
    )  # fmt: skip
    fit(chosen)
    return chosen["run_dir"]


def fit(chosen):
    data = build_data(chosen)
    module = build_module(chosen, build_model(chosen, data.spec))
    build_trainer(chosen).fit(module, datamodule=data, weights_only=True)
    return module.model


def test_features_are_those_of_the_run_and_stay(settings, m1, tmp_path):
    chosen = settings(*SMALL, f"model.features={m1}", folder="m2")
    model = fit(chosen)
    saved = read_checkpoint(tmp_path / "m1" / "checkpoints" / "best.ckpt")["state_dict"]
    for name, weight in model.m1.state_dict().items():
        assert torch.equal(weight, saved[f"model.{name}"])
    (tmp_path / "m1").rename(tmp_path / "gone")
    again = build_model(chosen, model.spec)  # the run has them itself
    load_weights(again, read_checkpoint(tmp_path / "m2" / "checkpoints" / "last.ckpt"))
    assert torch.equal(again.m1.encoder.layers[0].weight, model.m1.encoder.layers[0].weight)


def test_a_run_of_another_model_or_none_is_refused_before_training(settings, m1, tmp_path):
    with pytest.raises(UserError, match=r"give the settings of `model\.m1`"):
        fit(settings(*SMALL, "model.m1.latent_dim=5", f"model.features={m1}"))
    with pytest.raises(UserError, match=r"model\.features=.*nowhere has no checkpoint"):
        fit(settings(*SMALL, f"model.features={tmp_path / 'nowhere'}"))


def test_m1_is_trained_along_where_there_is_no_run(settings):
    chosen = settings(*SMALL)
    model = build_model(chosen, DataSpec((1, 8, 8), "binary", 100, 10))
    loss, batch = build_loss(chosen, model), {"x": torch.rand(4, 1, 8, 8).round(), "y": torch.tensor([1, -1, -1, 2])}
    loss(model(batch, loss.num_samples), batch, Context(100, model)).loss.backward()
    assert all((weight.grad != 0).any() for weight in model.m1.parameters())


@pytest.mark.parametrize(("flow", "goes"), [("planar", False), ("sylvester", False), ("iaf", True)])
def test_densities_of_features_under_every_class(settings, flow, goes):
    chosen = settings(*SMALL, f"model/posterior@model.m1.posterior={flow}")
    with nullcontext() if goes else pytest.raises(UserError, match=f"model.m1.posterior={flow} knows .* use iaf"):
        build_loss(chosen, build_model(chosen, DataSpec((1, 8, 8), "binary", 100, 10)))


def test_m1_is_a_plain_vae(settings):
    with pytest.raises(UserError, match=r"model\.m1 should be a VAE"):
        build_model(settings(*SMALL, "model.m1.context=label"), DataSpec((1, 8, 8), "binary", 100, 10))
