"""The discrepancy against double sums and closed forms, and the losses made of it."""

import math

import pytest
import torch
from torch import nn
from torch.distributions import Independent, Normal

from vae_exp.distributions.mmd import IMQ, RBF, mmd
from vae_exp.losses.wae_mmd import WAEMMD
from vae_exp.types import Context, Latent, VAEOutput

N, M, D = 5, 7, 3
SCALES = (0.5, 2.0)
KERNELS = [RBF(variance=1.5, scales=SCALES), IMQ(variance=1.5, scales=SCALES)]


def by_hand(x, y, kernel):
    def k(a, b):
        squared = sum((p - q) ** 2 for p, q in zip(a, b, strict=True))
        total = 0.0
        for scale in SCALES:
            c = scale * 2 * D * 1.5
            total += math.exp(-squared / c) if isinstance(kernel, RBF) else c / (c + squared)
        return total

    def within(s):
        return sum(k(s[i], s[j]) for i in range(len(s)) for j in range(len(s)) if i != j) / len(s) / (len(s) - 1)

    x, y = x.tolist(), y.tolist()
    return within(x) + within(y) - 2 * sum(k(a, b) for a in x for b in y) / len(x) / len(y)


@pytest.mark.parametrize("kernel", KERNELS)
def test_estimate_matches_the_double_sum(kernel):
    x, y = torch.randn(N, D).double(), 0.5 + 2 * torch.randn(M, D).double()
    assert mmd(x, y, kernel).item() == pytest.approx(by_hand(x, y, kernel), rel=1e-10)


@pytest.mark.parametrize("kernel", KERNELS)
def test_leading_axes_are_estimates_of_their_own(kernel):
    x, y = torch.randn(4, N, D).double(), torch.randn(4, M, D).double()
    torch.testing.assert_close(mmd(x, y, kernel), torch.stack([mmd(a, b, kernel) for a, b in zip(x, y, strict=True)]))


@pytest.mark.parametrize("kernel", KERNELS)
def test_it_is_zero_in_expectation_for_equal_distributions(kernel):
    found = mmd(torch.randn(4000, 6, D).double(), torch.randn(4000, 6, D).double(), kernel)
    assert abs(found.mean()) < 4 * found.std() / math.sqrt(4000)
    assert (found < 0).any()


def test_it_is_the_closed_form_of_two_gaussians():
    """E exp(-|x - y|^2 / C) = (1 + 2 v / C)^(-D/2) exp(-|m|^2 / (C + 2 v)), where x - y ~ N(m, v)."""
    shift, kernel = torch.tensor([1.0, -0.5, 0.3]).double(), RBF(variance=1.0, scales=(1.0,))
    c = 2.0 * D

    def mean(m, v):
        return (1 + 2 * v / c) ** (-D / 2) * math.exp(-m / (c + 2 * v))

    exact = mean(0.0, 2.0) + mean(0.0, 2 * 0.25) - 2 * mean(shift.square().sum().item(), 1.25)
    found = mmd(torch.randn(4000, 20, D).double(), shift + 0.5 * torch.randn(4000, 20, D).double(), kernel)
    assert found.mean().item() == pytest.approx(exact, abs=4 * found.std().item() / math.sqrt(4000))


@pytest.mark.parametrize("kernel", KERNELS)
def test_gradients_are_finite_where_vectors_coincide_and_for_a_single_one(kernel):
    for x in (torch.zeros(3, D).double().requires_grad_(), torch.ones(1, D).double().requires_grad_()):
        mmd(x, torch.zeros(2, D).double(), kernel).backward()
        assert torch.isfinite(x.grad).all()


def test_scales_must_be_named():
    with pytest.raises(ValueError, match="scales"):
        RBF(variance=1.0, scales=())


def output(z):
    prior = Independent(Normal(torch.zeros(D).double(), 1.0), 1)
    pixels = Independent(Normal(z.mean(-1)[..., None, None, None], 0.5), 3)
    return VAEOutput((Latent(None, prior, z),), pixels)  # a posterior of which nothing is asked


@pytest.mark.parametrize("samples", [1, 3])
def test_loss_is_distortion_plus_weighted_discrepancy(samples):
    z, kernel = torch.randn(samples, N, D).double(), KERNELS[1]
    x = torch.zeros(N, 1, 1, 1).double()
    torch.manual_seed(3)
    found = WAEMMD(mmd_weight=5.0, kernel=kernel)(output(z), {"x": x}, Context(100, nn.Module()))
    torch.manual_seed(3)
    drawn = output(z).latents[0].p.sample((samples, N))
    discrepancy = sum(by_hand(z[k], drawn[k], kernel) for k in range(samples)) / samples
    distortion = 0.5 * (z.mean(-1) / 0.5) ** 2 + math.log(0.5 * math.sqrt(2 * math.pi))
    assert found.terms["mmd"].item() == pytest.approx(discrepancy, rel=1e-10)
    torch.testing.assert_close(found.terms["distortion"], distortion)
    assert found.loss.item() == pytest.approx(distortion.mean().item() + 5 * discrepancy, rel=1e-10)


@pytest.mark.parametrize("kernel", KERNELS)
def test_its_gradient_moves_the_aggregate_to_the_prior(kernel):
    mu, sigma = torch.full((D,), 2.0).double().requires_grad_(), torch.full((D,), 0.3).double().requires_grad_()
    optimizer = torch.optim.Adam([mu, sigma], lr=0.03)
    for _ in range(250):
        z = mu + sigma * torch.randn(1, 64, D).double()
        out = output(z)._replace(p_x=Independent(Normal(torch.zeros(1, 64, 1, 1, 1).double(), 1.0), 3))
        optimizer.zero_grad()
        loss = WAEMMD(mmd_weight=1.0, kernel=kernel)(out, {"x": torch.zeros(64, 1, 1, 1)}, Context(64, nn.Module()))
        loss.loss.backward()
        optimizer.step()
    assert mu.abs().max() < 0.25
    assert (sigma - 1).abs().max() < 0.25
