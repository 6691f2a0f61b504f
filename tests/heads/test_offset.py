"""A decoder that starts at the mean of the data."""

import copy
import io
import math
import warnings

import pytest
import pytorch_lightning as pl
import torch

from vae_exp.build import build_data, build_model, build_module, build_trainer
from vae_exp.config.paths import conf_dir
from vae_exp.errors import UserError
from vae_exp.heads.offset import MeanOffset
from vae_exp.types import DataSpec, StartsFromData

MEAN = torch.tensor([0.0, 0.02, 0.3, 0.5, 0.9, 1.0]).double().reshape(1, 2, 3)
SPEC = DataSpec((1, 2, 3), "binary", 100)
NEAR = {"bernoulli": 1e-3, "continuous_bernoulli": 0.0101, "gaussian": 0, "laplace": 0, "student_t": 0,
        "optimal_sigma_gaussian": 0}  # fmt: skip
"""How far from the mean of the data that of the parameters may be: logits keep away from 0 and 1."""
LOGISTIC = ("discretized_logistic", "discretized_logistic_mixture")
"""These have their location there; the mean of what is cut off at 0 and 1 is not the location."""
LIKELIHOODS = [file.stem for file in sorted((conf_dir() / "model" / "likelihood").glob("*.yaml"))]


def build(settings, likelihood, *more):
    chosen = settings(f"model/likelihood={likelihood}", "model.start_at_data_mean=true", *more)
    return build_model(chosen, SPEC).double()


def expected(likelihood):
    """Mean of the distribution around MEAN."""
    if likelihood in LOGISTIC:
        steps = torch.linspace(0, 1, 20_001).double()[:, None]  # the integral of the distribution function's complement
        return torch.trapezoid(torch.sigmoid((MEAN.flatten() - steps) / math.exp(-2)), steps, dim=0).reshape(MEAN.shape)
    if likelihood == "multinomial":
        return MEAN.clamp_min(1e-3) / MEAN.clamp_min(1e-3).sum()  # each entry's share
    return MEAN.clamp(NEAR[likelihood], 1 - NEAR[likelihood])


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_a_decoder_that_gives_nothing_describes_the_mean(settings, likelihood):
    if likelihood not in (*NEAR, *LOGISTIC, "multinomial"):
        with pytest.raises(UserError, match="start_at_data_mean=true does not go with"):
            build(settings, likelihood)
        return
    model = build(settings, likelihood)
    assert torch.equal(model.offset.offset, torch.zeros(model.likelihood.params_shape))
    for weight in model.decoder.parameters():
        torch.nn.init.zeros_(weight)
    model.offset.start_from_data(torch.stack((0.5 * MEAN, 1.5 * MEAN)))
    found = model.decode(torch.randn(4, 3).double()).mean
    torch.testing.assert_close(found, expected(likelihood).expand(4, 1, 2, 3), atol=2e-4, rtol=0)


def test_offset_is_saved_once_and_not_learned(settings):
    model, other = build(settings, "bernoulli"), build(settings, "bernoulli")
    model.offset.start_from_data(MEAN[None])
    assert [name for name in model.state_dict() if "offset" in name] == ["offset.offset"]
    assert "offset.offset" not in dict(model.named_parameters())
    buffer = io.BytesIO()
    torch.save(model.state_dict(), buffer)
    buffer.seek(0)
    other.load_state_dict(torch.load(buffer, weights_only=True))
    z = torch.randn(4, 3).double()
    torch.testing.assert_close(other.decode(z).mean, model.decode(z).mean)
    assert model.offset.offset.abs().max() == pytest.approx(6.9068, abs=1e-3)  # the logit of 0.001


def test_a_copy_of_the_model_has_an_offset_of_its_own(settings):
    model = build(settings, "bernoulli")
    twin = copy.deepcopy(model)
    twin.offset.start_from_data(MEAN[None])
    assert not model.offset.offset.any()
    assert twin.offset._params_of_mean.__self__ is twin.likelihood


def test_without_it_nothing_is_saved_and_no_examples_are_asked_for(settings):
    model = build_model(settings("model.start_at_data_mean=false"), SPEC)
    assert not any("offset" in name for name in model.state_dict())
    assert not any(isinstance(part, (MeanOffset, StartsFromData)) for part in model.modules())


def test_training_begins_at_the_mean_of_the_training_examples(settings):
    chosen = settings("model.start_at_data_mean=true", "trainer.max_epochs=1", "callbacks.pictures=null")
    pl.seed_everything(0, verbose=False)
    data = build_data(chosen)
    module = build_module(chosen, build_model(chosen, data.spec))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        build_trainer(chosen).fit(module, datamodule=data)
    mean = data.examples("train", 5000)["x"].mean(0)
    # the examples are binarised at random
    torch.testing.assert_close(module.model.offset.offset.sigmoid(), mean.clamp(1e-3, 1 - 1e-3), atol=0.08, rtol=0)
    assert module.model.offset.offset.abs().max() > 3
