"""Annealed importance sampling on models whose likelihood is known."""

import math

import pytest
import torch
from torch.distributions import Independent, Normal

from vae_exp.analysis.annealed import anneal, annealed_nll, temperatures

from .linear import SHAPE, marginal, solved_vae

SETTINGS = {"num_temperatures": 60, "num_chains": 32, "leapfrog_steps": 3, "rows": 4000}


def examples(model, n):
    return marginal(model).sample((n,)).reshape(n, *SHAPE)


@pytest.mark.parametrize("start", ["prior", "posterior"])
def test_it_finds_the_likelihood_of_a_linear_model_whatever_its_encoder(start):
    model = solved_vae(off=1.5)
    x = examples(model, 6)
    settings = SETTINGS | {"num_temperatures": 150, "num_chains": 128}
    nll, accepted = annealed_nll(model, {"x": x}, start=start, **settings)
    torch.testing.assert_close(nll, -marginal(model).log_prob(x.flatten(1)), rtol=0, atol=0.2)
    assert ((accepted > 0.4) & (accepted < 0.9)).all()


def test_few_temperatures_still_give_an_unbiased_likelihood():
    model = solved_vae()
    x, repeats = examples(model, 1), 3000
    settings = SETTINGS | {"num_temperatures": 12, "num_chains": 4, "rows": 12_000}
    nll, _ = annealed_nll(model, {"x": x.repeat(repeats, 1, 1, 1)}, start="prior", **settings)
    ratio = (-nll - marginal(model).log_prob(x.flatten(1))).exp()
    error = ratio.std() / repeats**0.5
    assert 0.005 < error < 0.1
    assert abs(ratio.mean() - 1) < 4 * error


def test_chunks_of_examples_are_measured_alike():
    model = solved_vae()
    x = examples(model, 5)
    nll, accepted = annealed_nll(model, {"x": x}, start="prior", **SETTINGS | {"rows": 100})
    assert nll.shape == accepted.shape == (5,)
    torch.testing.assert_close(nll, -marginal(model).log_prob(x.flatten(1)), rtol=0, atol=0.6)
    assert not nll.requires_grad


def test_the_target_is_what_is_scored():
    model = solved_vae()
    x, target = examples(model, 2), examples(model, 2)
    nll, _ = annealed_nll(model, {"x": x, "target": target}, start="prior", **SETTINGS)
    torch.testing.assert_close(nll, -marginal(model).log_prob(target.flatten(1)), rtol=0, atol=0.6)


def test_weights_estimate_a_normaliser():
    start = Independent(Normal(torch.zeros(2).double(), 1.0), 1)

    def target(z):  # 7 * N(2, 0.3^2 I)
        return Independent(Normal(torch.full((2,), 2.0).double(), 0.3), 1).log_prob(z) + math.log(7)

    settings = {"betas": temperatures(80), "leapfrog_steps": 3}
    tuned = anneal(start.log_prob, target, start.sample((20, 10)), step_sizes=None, **settings).step_sizes
    assert tuned.shape == (80, 10)
    assert tuned[-1].mean() < tuned[40].mean(), "a narrow density needs small steps"
    chains = anneal(start.log_prob, target, start.sample((200, 10)), step_sizes=tuned, **settings)
    means = chains.log_weights.exp().mean(0)
    assert abs(means.mean() / 7 - 1) < 0.1
    torch.testing.assert_close(chains.step_sizes, tuned)


def test_a_path_that_diverges_is_refused():
    start = Independent(Normal(torch.zeros(1).double(), 1.0), 1)
    cliff = lambda z: torch.where(z[..., 0] > 0, start.log_prob(z), math.nan)  # noqa: E731
    chains = anneal(start.log_prob, cliff, start.sample((50, 1)).abs(), betas=[0.0, 1.0], leapfrog_steps=2,
                    step_sizes=torch.full((1, 1), 1.0).double())  # fmt: skip
    assert chains.log_weights.isfinite().all()
    assert 0 < chains.accepted.item() < 1


def test_temperatures_run_from_zero_to_one():
    betas = temperatures(7)
    assert betas[0] == 0
    assert betas[-1] == 1
    assert betas == sorted(betas)
    assert len(betas) == 8
