"""DIP-VAE against numpy's covariance."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.distributions import Independent, Normal

from vae_exp.losses.dip_vae import DIPVAEI, DIPVAEII
from vae_exp.types import Context, Latent, VAEOutput

B, D = 9, 3
MU = (
    torch.randn(B, D, generator=torch.Generator().manual_seed(1)).double()
    @ torch.tensor([[1.0, 0.4, 0.0], [0.0, 1.2, -0.7], [0.0, 0.0, 0.8]]).double()
    + 2
)
SIGMA = 0.2 + torch.rand(B, D, generator=torch.Generator().manual_seed(2)).double()


def result(kind, mu=MU, sigma=SIGMA, **weights):
    prior = Independent(Normal(torch.zeros(D).double(), 1.0), 1)
    pixels = Independent(Normal(mu.mean(-1)[None, :, None, None, None], 0.5), 3)
    out = VAEOutput((Latent(Independent(Normal(mu, sigma), 1), prior, mu[None]),), pixels)
    loss = kind(**{"lambda_od": 10.0, "lambda_d": 7.0} | weights)
    return loss(out, {"x": torch.zeros(len(mu), 1, 1, 1)}, Context(100, nn.Module()))


def covariance(kind):
    means = np.cov(MU.numpy().T, ddof=0)
    return means + (np.diag(SIGMA.square().mean(0).numpy()) if kind is DIPVAEII else 0)


@pytest.mark.parametrize("kind", [DIPVAEI, DIPVAEII])
def test_mixed_precision_leaves_the_covariance_alone(kind):
    expected = result(kind, MU.float(), SIGMA.float()).terms
    with torch.autocast("cpu", torch.bfloat16):
        found = result(kind, MU.float(), SIGMA.float()).terms
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("kind", [DIPVAEI, DIPVAEII])
def test_terms_match_numpys_covariance(kind):
    c, found = covariance(kind), result(kind)
    off = sum(c[i, j] ** 2 for i in range(D) for j in range(D) if i != j)
    on = sum((c[i, i] - 1) ** 2 for i in range(D))
    assert found.terms["off_diagonal"].item() == pytest.approx(off, rel=1e-10)
    assert found.terms["diagonal"].item() == pytest.approx(on, rel=1e-10)
    rate = (0.5 * (MU**2 + SIGMA**2 - 1) - SIGMA.log()).sum(-1)
    torch.testing.assert_close(found.terms["rate"], rate)
    total = found.terms["distortion"].mean() + rate.mean() + 10 * off + 7 * on
    torch.testing.assert_close(found.loss, total)


@pytest.mark.parametrize("kind", [DIPVAEI, DIPVAEII])
def test_covariance_is_over_examples_and_not_over_dimensions(kind):
    """Moving all examples leaves it, which centring over dimensions would not."""
    moved = result(kind, MU + torch.tensor([1.0, -3.0, 5.0]).double()).terms
    for name in ("off_diagonal", "diagonal"):
        torch.testing.assert_close(moved[name], result(kind).terms[name])


def test_second_kind_is_satisfied_by_an_aggregate_with_the_priors_covariance():
    corners = torch.tensor([[a, b, c] for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)]).double()
    at_prior = result(DIPVAEII, 0.6 * corners, torch.full((8, D), 0.8, dtype=torch.float64)).terms
    assert at_prior["off_diagonal"].item() == pytest.approx(0, abs=1e-20)
    assert at_prior["diagonal"].item() == pytest.approx(0, abs=1e-20)
    first = result(DIPVAEI, 0.6 * corners, torch.full((8, D), 0.8, dtype=torch.float64)).terms
    assert first["diagonal"].item() == pytest.approx(D * (1 - 0.36) ** 2)


@pytest.mark.parametrize("kind", [DIPVAEI, DIPVAEII])
def test_it_decorrelates(kind):
    mu = MU.clone().requires_grad_()
    before = result(kind, mu).terms["off_diagonal"]
    before.backward()
    with torch.no_grad():
        assert result(kind, mu - 1e-2 * mu.grad).terms["off_diagonal"] < before
