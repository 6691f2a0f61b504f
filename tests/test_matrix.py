"""Every loss with every posterior, prior and likelihood: it takes a step, or is refused by a sentence before training.

Nothing here knows which go together; the options are the yaml files of conf/.
"""

import functools
import itertools

import pytest
import torch
from torch.distributions import Distribution

from vae_exp.build import build_loss, build_model
from vae_exp.config.check import check
from vae_exp.config.compose import compose
from vae_exp.config.paths import conf_dir
from vae_exp.errors import UserError
from vae_exp.types import Context, DataSpec

SIDES = (6, 28)
"""Sides of the pictures: the larger one for a loss that refuses the smaller one."""
LATENT_DIM = 4


def names(group):
    return sorted(file.stem for file in (conf_dir() / group).glob("*.yaml"))


LOSSES, POSTERIORS, PRIORS = names("loss"), names("model/posterior"), names("model/prior")
LIKELIHOODS = names("model/likelihood")


@functools.cache
def chosen(group, name):
    """The node of an option in a tiny run."""
    small = ["data=digits", f"model.latent_dim={LATENT_DIM}", "logger=none", f"{group}={name}", "run_dir=unused"]
    settings = check(compose("train", small))
    node = settings
    for key in group.split("/"):
        node = node[key]
    return node


@functools.cache
def base(model):
    small = ["data=digits", f"model={model}", f"model.latent_dim={LATENT_DIM}", "logger=none", "run_dir=unused"]
    settings = check(compose("train", small))
    return settings | {"model": narrow(settings["model"])}


@functools.cache
def model_of(loss):
    """The first model of these parts that a loss takes as it is; the plain one, where it takes none."""
    for model in ("mlp", *names("model")):
        try:
            if not {"posterior", "prior", "likelihood"} <= base(model)["model"].keys():
                continue
            built = build_model(base(model), DataSpec((1, SIDES[-1], SIDES[-1]), "binary", 40, 3))
            build_loss(base(model) | {"loss": narrow(chosen("loss", loss))}, built)
        except UserError:
            continue
        return model
    return "mlp"


def narrow(node):
    """The same with networks of a few units, whatever they call their widths."""
    if not isinstance(node, dict):
        return node
    widths = {"hidden", "channels"} & node.keys()
    return {k: [4] * len(v) if k in widths and isinstance(v, list) else narrow(v) for k, v in node.items()}


@functools.cache
def first_fit(loss):
    """The least side of pictures, a posterior and a prior that a loss takes; the common ones are tried first."""
    pairs = [(q, "standard_normal") for q in ("diag_normal", "delta")] + list(itertools.product(POSTERIORS, PRIORS))
    sized = ((side, *pair) for pair in pairs for side in SIDES)
    return next((side, q, p) for side, q, p in sized if steps(loss, side=side, posterior=q, prior=p))


def settings_of(loss, posterior="diag_normal", prior="standard_normal", likelihood="bernoulli"):
    parts = {"posterior": posterior, "prior": prior, "likelihood": likelihood}
    settings = base(model_of(loss))
    model = settings["model"] | {key: narrow(chosen(f"model/{key}", name)) for key, name in parts.items()}
    if "num_components" in model["prior"]:
        model["prior"] = model["prior"] | {"num_components": 4}
    return settings | {"model": model, "loss": narrow(chosen("loss", loss))}


def steps(loss, side=None, **parts):
    """Whether the combination takes a step; False where it is refused."""
    torch.manual_seed(0)
    side = side or first_fit(loss)[0]
    spec = DataSpec((1, side, side), "binary", 40, 3)
    settings = settings_of(loss, **parts)
    try:
        model = build_model(settings, spec)
        objective = build_loss(settings, model)
    except UserError as error:
        refusal = str(error)
    else:
        refusal = None
    if refusal is not None:
        assert refusal.strip()
        assert "\n" not in refusal
        return False
    batch = objective.prepare({"x": torch.rand(4, *spec.x_shape).round(), "y": torch.tensor([0, 1, 2, 0])})
    result = objective(model(batch, objective.num_samples), batch, Context(spec.train_size, model))
    result.loss.backward()
    assert result.loss.isfinite()
    weights = list(model.parameters())
    assert all(w.grad.isfinite().all() for w in weights if w.grad is not None)
    assert any(w.grad is not None and w.grad.abs().sum() > 0 for w in weights)
    return True


@pytest.fixture(autouse=True)
def unchecked():
    Distribution.set_default_validate_args(False)
    yield
    Distribution.set_default_validate_args(True)


@pytest.mark.parametrize("loss", LOSSES)
def test_with_every_posterior_and_prior(loss):
    taken = [steps(loss, posterior=q, prior=p) for q in POSTERIORS for p in PRIORS]
    assert any(taken)


@pytest.mark.parametrize("loss", LOSSES)
def test_with_every_likelihood(loss):
    _, posterior, prior = first_fit(loss)
    taken = [steps(loss, posterior=posterior, prior=prior, likelihood=p_x) for p_x in LIKELIHOODS]
    assert any(taken)


@pytest.mark.parametrize("posterior", POSTERIORS)
def test_every_posterior_and_prior_with_every_likelihood(posterior):
    taken = [steps("elbo", posterior=posterior, prior=p, likelihood=p_x) for p in PRIORS for p_x in LIKELIHOODS]
    assert any(taken) or not any(steps("elbo", posterior=posterior, prior=p) for p in PRIORS)


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_all_four(loss, likelihood):
    for posterior in POSTERIORS:
        for prior in PRIORS:
            steps(loss, posterior=posterior, prior=prior, likelihood=likelihood)
