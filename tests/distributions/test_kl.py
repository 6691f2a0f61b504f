"""KL and importance weights against Monte Carlo, closed forms and sums written by hand."""

import math

import pytest
import torch
from torch.distributions import (
    Categorical,
    Gamma,
    Independent,
    Laplace,
    MixtureSameFamily,
    MultivariateNormal,
    Normal,
)

from vae_exp.distributions.kl import kl, kl_per_dim, log_weights, rate
from vae_exp.types import Latent, VAEOutput

MU = torch.tensor([[0.0, 1.5, -2.0], [0.3, -0.7, 0.0]], dtype=torch.float64)
SIGMA = torch.tensor([[1.0, 0.4, 2.5], [0.05, 1.0, 3.0]], dtype=torch.float64)


def diagonal(mu, sigma, ndim=1):
    return Independent(Normal(mu, sigma), ndim)


def standard(dim=3):
    return diagonal(torch.zeros(dim, dtype=torch.float64), torch.ones(dim, dtype=torch.float64))


def normal_log_density(z, mu, sigma):
    return -0.5 * ((z - mu) / sigma) ** 2 - torch.log(sigma) - 0.5 * math.log(2 * math.pi)


def test_kl_per_dim_is_the_closed_form():
    by_hand = 0.5 * (MU**2 + SIGMA**2 - 1 - torch.log(SIGMA**2))
    torch.testing.assert_close(kl_per_dim(diagonal(MU, SIGMA), standard()), by_hand)


def test_kl_per_dim_is_the_closed_form_for_another_prior():
    m, s = torch.tensor([1.0, -1.0, 0.5]).double(), torch.tensor([0.5, 2.0, 1.3]).double()
    by_hand = torch.log(s / SIGMA) + (SIGMA**2 + (MU - m) ** 2) / (2 * s**2) - 0.5
    torch.testing.assert_close(kl_per_dim(diagonal(MU, SIGMA), diagonal(m, s)), by_hand)


def test_kl_per_dim_matches_monte_carlo():
    z = MU + SIGMA * torch.randn(100_000, *MU.shape, dtype=torch.float64)
    draws = normal_log_density(z, MU, SIGMA) - normal_log_density(z, torch.zeros(3), torch.ones(3))
    error = draws.std(0) / len(draws) ** 0.5
    off = (kl_per_dim(diagonal(MU, SIGMA), standard()) - draws.mean(0)).abs()
    assert (off <= 4.5 * error + 1e-12).all()


def test_kl_is_the_sum_over_dimensions_and_does_not_depend_on_the_sample():
    q, p = diagonal(MU, SIGMA), standard()
    nats = kl(q, p, q.rsample((4,)))
    assert nats.shape == (2,)
    torch.testing.assert_close(nats, kl_per_dim(q, p).sum(-1))


def test_kl_of_equal_distributions_is_zero_and_of_others_positive():
    p = standard()
    assert kl(p, p, p.sample()).item() == pytest.approx(0.0, abs=1e-15)
    assert (kl(diagonal(MU, SIGMA), p, p.sample()) > 0).all()


def test_kl_per_dim_keeps_the_axes_of_a_latent_picture():
    mu = torch.randn(5, 2, 4, 4, dtype=torch.float64)
    q = diagonal(mu, torch.ones_like(mu), 3)
    p = diagonal(torch.zeros(2, 4, 4).double(), torch.ones(2, 4, 4).double(), 3)
    torch.testing.assert_close(kl_per_dim(q, p), 0.5 * mu**2)


def test_without_a_closed_form_kl_is_the_log_ratio_of_each_sample():
    q, p = diagonal(MU, SIGMA), Independent(Laplace(torch.zeros(3).double(), torch.ones(3).double()), 1)
    p = torch.distributions.TransformedDistribution(p, [])
    z = MU + SIGMA * torch.randn(7, *MU.shape, dtype=torch.float64)
    nats = kl(q, p, z)
    by_hand = normal_log_density(z, MU, SIGMA).sum(-1) - (-z.abs() - math.log(2)).sum(-1)
    assert nats.shape == (7, 2)
    torch.testing.assert_close(nats, by_hand)


def test_estimate_of_kl_agrees_in_expectation_with_its_closed_form():
    q, p = diagonal(MU, SIGMA), standard()
    hidden = torch.distributions.TransformedDistribution(p, [])  # the same p, of which torch knows no KL
    draws = kl(q, hidden, q.sample((100_000,)))
    error = draws.std(0) / len(draws) ** 0.5
    assert ((draws.mean(0) - kl(q, p, q.sample())).abs() <= 4.5 * error).all()


def test_kl_per_dim_is_none_where_it_does_not_divide():
    full = MultivariateNormal(MU, torch.eye(3).double())
    assert kl_per_dim(full, standard()) is None
    assert kl_per_dim(diagonal(MU, SIGMA), full) is None
    gamma = Independent(Gamma(torch.ones(3).double(), torch.ones(3).double()), 1)
    assert kl_per_dim(Independent(torch.distributions.StudentT(SIGMA), 1), gamma) is None


def output(groups=1, samples=4):
    latents = []
    for _ in range(groups):
        q = diagonal(MU, SIGMA)
        latents.append(Latent(q, standard(), q.rsample((samples,))))
    mean = latents[0].z.sum(-1, keepdim=True) * torch.ones(5, dtype=torch.float64)
    return VAEOutput(tuple(latents), diagonal(mean, torch.full_like(mean, 0.7)))


@pytest.mark.parametrize("groups", [1, 2])
def test_log_weights_are_the_three_log_densities(groups):
    out, x = output(groups), torch.rand(2, 5, dtype=torch.float64)
    by_hand = normal_log_density(x, out.latents[0].z.sum(-1, keepdim=True), torch.tensor(0.7).double()).sum(-1)
    for _, _, z in out.latents:
        by_hand = by_hand + normal_log_density(z, torch.zeros(3), torch.ones(3)).sum(-1)
        by_hand = by_hand - normal_log_density(z, MU, SIGMA).sum(-1)
    assert by_hand.shape == (4, 2)
    torch.testing.assert_close(log_weights(out, x), by_hand)


def test_rate_is_summed_over_groups():
    torch.testing.assert_close(rate(output(3)), 3 * rate(output(1)))


def test_rate_of_a_mixed_hierarchy_has_the_sample_axis():
    known, hidden = output(1), output(1)
    q, p, z = hidden.latents[0]
    estimated = Latent(q, torch.distributions.TransformedDistribution(p, []), z)
    nats = rate(VAEOutput((known.latents[0], estimated), known.p_x))
    torch.testing.assert_close(nats, rate(known) + q.log_prob(z) - p.log_prob(z))


def mixture_of(*centres):
    loc = torch.stack([torch.full((3,), c, dtype=torch.float64) for c in centres])
    return MixtureSameFamily(Categorical(torch.ones(len(centres))), diagonal(loc, torch.ones_like(loc)))


def gradients_of_the_estimate(p, draws, total=False):
    """d/dmu and d/dlog sigma of log q(z) - log p(z), by sample: [draws, 2, 3] each."""
    mu = MU.expand(draws, 2, 3).clone().requires_grad_()
    log_sigma = SIGMA.log().expand(draws, 2, 3).clone().requires_grad_()
    q = diagonal(mu, log_sigma.exp())
    z = q.rsample((1,))
    nats = q.log_prob(z) - p.log_prob(z) if total else kl(q, p, z)
    return torch.autograd.grad(nats.sum(), (mu, log_sigma))


def test_the_gradient_of_the_estimate_is_that_of_the_kl():
    p = mixture_of(-1.0, 0.5)
    for path, total in zip(
        gradients_of_the_estimate(p, 40_000), gradients_of_the_estimate(p, 40_000, total=True), strict=True
    ):
        error = (path.var(0) / len(path) + total.var(0) / len(total)).sqrt()
        assert ((path.mean(0) - total.mean(0)).abs() <= 4.5 * error + 1e-12).all()


def test_the_gradient_of_the_estimate_vanishes_where_both_are_equal():
    mu, sigma = MU.clone().requires_grad_(), SIGMA.clone().requires_grad_()
    q = diagonal(mu, sigma)
    p = MixtureSameFamily(Categorical(torch.ones(2, 1)), diagonal(MU[:, None], SIGMA[:, None]))
    for gradient in torch.autograd.grad(kl(q, p, q.rsample((5,))).sum(), (mu, sigma)):
        torch.testing.assert_close(gradient, torch.zeros_like(gradient), atol=1e-9, rtol=0)
