"""The importance-sampled likelihood on a model whose likelihood is known."""

import logging

import pytest
import torch
from torch import nn
from torch.distributions import Distribution

from vae_exp.analysis.likelihood import importance_nll
from vae_exp.build import build_data, build_model
from vae_exp.types import Latent, VAEOutput

from .linear import SHAPE, marginal, solved_vae


def examples(model, n):
    return marginal(model).sample((n,)).reshape(n, *SHAPE)


@pytest.mark.parametrize("num_samples", [1, 2, 7, 50])
@pytest.mark.parametrize("rows", [1, 3, 10, 4000])
def test_it_is_exact_with_the_exact_posterior(num_samples, rows):
    model = solved_vae()
    x = examples(model, 5)
    nll = importance_nll(model, {"x": x}, num_samples=num_samples, rows=rows)
    torch.testing.assert_close(nll, -marginal(model).log_prob(x.flatten(1)), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("num_samples", [1, 4])
def test_with_a_wrong_posterior_the_likelihood_itself_is_unbiased(num_samples):
    model = solved_vae(off=0.5)
    x, repeats = examples(model, 3), 20_000
    nll = importance_nll(model, {"x": x.repeat(repeats, 1, 1, 1)}, num_samples=num_samples, rows=100_000)
    ratio = (-nll.reshape(repeats, 3) - marginal(model).log_prob(x.flatten(1))).exp()
    error = ratio.std(0) / repeats**0.5
    assert (error < 0.05).all()
    assert (ratio.std(0) > 0.1).all()
    assert ((ratio.mean(0) - 1).abs() <= 4.5 * error).all()


def test_with_a_wrong_posterior_the_bound_tightens_with_the_samples_and_never_crosses():
    model = solved_vae(off=0.5)
    x, repeats = examples(model, 3), 3000
    truth = -marginal(model).log_prob(x.flatten(1))
    means, errors = [], []
    for num_samples in (1, 2, 4, 16, 64):
        nll = importance_nll(model, {"x": x.repeat(repeats, 1, 1, 1)}, num_samples=num_samples, rows=100_000)
        means.append(nll.reshape(repeats, 3).mean(0) - truth)
        errors.append(nll.reshape(repeats, 3).std(0) / repeats**0.5)
    for loose, tight, a, b in zip(means, means[1:], errors, errors[1:], strict=False):
        assert (tight <= loose + 4.5 * (a**2 + b**2).sqrt()).all()
    assert (means[0] > 0.1).all()
    assert all((mean > -4.5 * error).all() for mean, error in zip(means, errors, strict=True))
    assert (means[-1].abs() < 0.02).all()


class Counting(nn.Module):
    """Notes what passes through a model: of which examples how many latents, and how many at once."""

    def __init__(self, model):
        super().__init__()
        self.model, self.at_once, self.drawn = model, [], {}

    def forward(self, batch, num_samples=1):
        self.at_once.append(num_samples * len(batch["x"]))
        for key in batch["x"].flatten(1)[:, 0].tolist():
            self.drawn[key] = self.drawn.get(key, 0) + num_samples
        return self.model(batch, num_samples)


@pytest.mark.parametrize("rows", [1, 7, 8, 10, 16, 17, 100, 4000])
@pytest.mark.parametrize("num_samples", [1, 7, 8, 100])
@pytest.mark.parametrize("size", [1, 5, 13])
def test_chunks_draw_exactly_the_samples_and_keep_the_bound(num_samples, rows, size):
    counting = Counting(solved_vae())
    x = examples(counting.model, size)
    nll = importance_nll(counting, {"x": x}, num_samples=num_samples, rows=rows)
    assert nll.shape == (size,)
    assert counting.drawn == dict.fromkeys(x.flatten(1)[:, 0].tolist(), num_samples)
    assert max(counting.at_once) <= rows


class Replaying(nn.Module):
    """A model that draws from a fixed row of noise, however it is cut."""

    def __init__(self, model, noise):
        super().__init__()
        self.model, self.noise, self.used = model, noise, 0

    def forward(self, batch, num_samples=1):
        q = self.model.encode(batch["x"])
        z = q.mean + q.stddev * self.noise[self.used : self.used + num_samples, None]
        self.used += num_samples
        return VAEOutput((Latent(q, self.model.prior(self.model.encode), z),), self.model.decode(z))


@pytest.mark.parametrize("rows", [8, 56, 100, 4000])
def test_every_sample_weighs_the_same_however_they_are_cut(rows):
    model, noise = solved_vae(off=0.4), torch.randn(60, 2).double()
    x = examples(model, 1)
    nll = importance_nll(Replaying(model, noise), {"x": x}, num_samples=60, rows=rows)
    out = Replaying(model, noise)({"x": x}, 60)
    (q, p, z), log_p = out.latents[0], out.p_x.log_prob(x)
    by_hand = -(log_p + p.log_prob(z) - q.log_prob(z)).exp().mean(0).log()
    torch.testing.assert_close(nll, by_hand, rtol=1e-9, atol=1e-9)


def test_the_target_is_what_is_scored():
    model = solved_vae(off=0.2)
    x, target = examples(model, 4), examples(model, 4)
    torch.manual_seed(5)
    mine = importance_nll(model, {"x": x, "target": target}, num_samples=3, rows=4000)
    torch.manual_seed(5)
    q = model.encode(x)
    z = q.rsample((3,))
    w = model.decode(z).log_prob(target) + model.prior(model.encode).log_prob(z) - q.log_prob(z)
    torch.testing.assert_close(mine, -w.exp().mean(0).log(), rtol=1e-9, atol=1e-9)


def test_it_does_not_underflow():
    model = solved_vae()
    x = examples(model, 2) + 30  # e^-100,000 and less
    nll = importance_nll(model, {"x": x}, num_samples=5, rows=4000)
    torch.testing.assert_close(nll, -marginal(model).log_prob(x.flatten(1)), rtol=1e-9, atol=0)


def test_it_keeps_no_graph():
    model = solved_vae()
    assert not importance_nll(model, {"x": examples(model, 2)}, num_samples=3, rows=10).requires_grad


@pytest.mark.slow
@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_compiled_chunks_give_the_same_likelihood(settings, monkeypatch, caplog, likelihood):
    Distribution.set_default_validate_args(False)  # as the command has it: checks of values stop compilation
    chosen = settings("data.binarize=none", f"model/likelihood={likelihood}")
    data = build_data(chosen)
    model, batch = build_model(chosen, data.spec).eval(), data.examples("test", 10)
    found = []
    for worth in (1, 10**9):
        monkeypatch.setattr("vae_exp.analysis.likelihood.WORTH_COMPILING", worth)
        torch.manual_seed(0)
        with caplog.at_level(logging.INFO, "vae_exp"):
            found.append(importance_nll(model, batch, num_samples=11, rows=40))
    assert "is not compiled" not in caplog.text
    torch.testing.assert_close(found[0], found[1], rtol=1e-5, atol=1e-4)
