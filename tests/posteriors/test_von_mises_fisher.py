"""The sphere: density, moments, samples and their gradients against Bessel functions and closed forms."""

import math

import numpy as np
import pytest
import torch
from scipy.special import gammaln, ive

from vae_exp.build import build_model
from vae_exp.distributions.center import center
from vae_exp.distributions.kl import kl
from vae_exp.distributions.uniform_sphere import UniformSphere
from vae_exp.distributions.von_mises_fisher import VonMisesFisher
from vae_exp.heads.posteriors.von_mises_fisher import VonMisesFisherPosterior
from vae_exp.priors.uniform_sphere import UniformSpherePrior
from vae_exp.types import DataSpec

from .laws import bound_and_nll, kl_matches_samples, within

CASES = [(d, kappa) for d in (2, 3, 5, 64) for kappa in (1e-3, 1.0, 80.0, 2000.0)]
by_case = pytest.mark.parametrize(("dim", "kappa"), CASES)


def direction(dim, *batch):
    mu = torch.randn(*batch, dim, dtype=torch.float64)
    return mu / mu.norm(dim=-1, keepdim=True)


def vmf(dim, kappa, mu=None):
    return VonMisesFisher(direction(dim) if mu is None else mu, torch.tensor(kappa, dtype=torch.float64))


def log_bessel(order, kappa):
    """log I_order(kappa), by its series where it would underflow."""
    scaled = ive(order, kappa)
    if scaled > 1e-250:
        return math.log(scaled) + kappa
    j = np.arange(200)
    terms = (2 * j + order) * math.log(kappa / 2) - gammaln(j + 1) - gammaln(j + order + 1)
    return terms.max() + math.log(np.exp(terms - terms.max()).sum())


def mean_length(dim, kappa):
    """A_d(kappa) = I_{d/2} / I_{d/2-1}."""
    return math.exp(log_bessel(dim / 2, kappa) - log_bessel(dim / 2 - 1, kappa))


@by_case
def test_log_density_has_the_normaliser_of_bessel_functions(dim, kappa):
    q = vmf(dim, kappa)
    order = dim / 2 - 1
    log_c = order * math.log(kappa) - dim / 2 * math.log(2 * math.pi) - log_bessel(order, kappa)
    z = direction(dim, 9)
    torch.testing.assert_close(q.log_prob(z), log_c + kappa * (z @ q.mu), rtol=1e-10, atol=1e-9)


@by_case
def test_mean_and_derivatives_are_those_of_bessel_functions(dim, kappa):
    concentration = torch.tensor(kappa, dtype=torch.float64, requires_grad=True)
    q = VonMisesFisher(direction(dim), concentration)
    length = mean_length(dim, kappa)
    torch.testing.assert_close(q.mean, length * q.mu, rtol=1e-9, atol=1e-12)
    # d log_prob / d kappa = mu'z - A, dKL / dkappa = kappa A', A' = 1 - A^2 - (d - 1) A / kappa
    z = direction(dim)
    (grad,) = torch.autograd.grad(q.log_prob(z), concentration)
    assert float(grad) == pytest.approx(float(q.mu @ z) - length, abs=1e-9)
    rate = kl(q, UniformSphere(torch.zeros(dim).double()), z)
    (grad,) = torch.autograd.grad(rate, concentration)
    slope = 1 - length**2 - (dim - 1) * length / kappa
    assert float(grad) == pytest.approx(kappa * slope, rel=1e-4, abs=1e-9)


@pytest.mark.parametrize("dim", [2, 3])
def test_density_integrates_to_one_over_the_sphere(dim):
    theta = (torch.arange(400) + 0.5).double() * math.pi / 400
    if dim == 2:
        z = torch.stack((torch.cos(2 * theta), torch.sin(2 * theta)), -1)
        area = torch.full((400,), 2 * math.pi / 400).double()
    else:
        phi = 2 * theta
        t, f = torch.meshgrid(theta, phi, indexing="ij")
        z = torch.stack((t.sin() * f.cos(), t.sin() * f.sin(), t.cos()), -1)
        area = t.sin() * (math.pi / 400) * (2 * math.pi / 400)
    for p in (vmf(dim, 4.0), UniformSphere(torch.zeros(dim).double())):
        assert float((p.log_prob(z).exp() * area).sum()) == pytest.approx(1, abs=1e-4)


@by_case
def test_samples_lie_on_the_sphere_and_have_the_moments_of_theory(dim, kappa):
    q = vmf(dim, kappa)
    z = q.sample((10_000,))
    torch.testing.assert_close(z.norm(dim=-1), torch.ones(10_000).double())
    length = mean_length(dim, kappa)
    assert within(z @ q.mu, length)
    second = 1 - (dim - 1) * length / kappa  # E[(mu'z)^2]
    assert within((z @ q.mu) ** 2, second)
    across = direction(dim)
    across = across - (across @ q.mu) * q.mu
    across = across / across.norm()
    assert within(z @ across, 0.0)
    assert within((z @ across) ** 2, length / kappa)


@pytest.mark.parametrize(("dim", "kappa"), [(2, 0.3), (3, 4.0), (10, 300.0), (40, 50.0)])
def test_rate_matches_samples(dim, kappa):
    q = VonMisesFisher(direction(dim, 1), torch.tensor([kappa]).double())
    assert kl_matches_samples(q, UniformSphere(torch.zeros(dim).double()))


@by_case
def test_slope_of_the_angle_is_that_of_the_inverse_distribution_function(dim, kappa):
    # On a fine grid: F(t; kappa +- h) by the trapezoid rule, -(dF/dkappa) / f at quantiles that matter.
    q, h = vmf(dim, kappa), 1e-4 * kappa
    t = torch.linspace(float(q._low), float(q._high), 200_001, dtype=torch.float64)[1:-1]

    def density(k):
        f = torch.exp(q._log_density(t, k) - q._log_density(t, k).max())
        return f / torch.trapezoid(f, t)

    low, high = (torch.cumulative_trapezoid(density(kappa + s), t) for s in (-h, h))
    at = torch.searchsorted(0.5 * (low + high), torch.tensor([0.01, 0.2, 0.5, 0.8, 0.99]).double())
    expected = -((high - low)[at] / (2 * h)) / density(kappa)[at + 1]
    torch.testing.assert_close(q._slope(t[at + 1]), expected, rtol=2e-3, atol=1e-6)


@pytest.mark.parametrize(("dim", "kappa"), [(2, 3.0), (3, 0.2), (3, 10.0), (6, 4.0), (30, 15.0), (30, 400.0)])
def test_gradient_of_an_expectation_matches_its_closed_form(dim, kappa):
    # E[a'z] = A a'mu; E[(a'z)^2] = (A / kappa) (|a|^2 - (a'mu)^2) + (1 - (d - 1) A / kappa) (a'mu)^2
    free = torch.randn(dim, dtype=torch.float64, requires_grad=True)
    concentration = torch.tensor(kappa, dtype=torch.float64, requires_grad=True)
    a = torch.randn(dim, dtype=torch.float64)
    mu = free / free.norm()
    length = VonMisesFisher(mu, concentration).mean @ mu  # checked against Bessel functions above
    c = a @ mu
    second = length / concentration * (a @ a - c**2) + (1 - (dim - 1) * length / concentration) * c**2
    exact = torch.autograd.grad(length * c + second, (free, concentration))
    copies, many = free.detach().expand(20_000, dim).clone().requires_grad_(), concentration.detach().expand(20_000)
    many = many.clone().requires_grad_()
    z = VonMisesFisher(copies / copies.norm(dim=-1, keepdim=True), many).rsample()
    draws = torch.autograd.grad((z @ a + (z @ a) ** 2).sum(), (copies, many))
    assert within(draws[0], exact[0])
    assert within(draws[1], exact[1])
    assert draws[1].std() / 20_000**0.5 < 0.1 * max(1e-3, abs(float(exact[1])))


@pytest.mark.parametrize("dim", [2, 3, 32])
def test_single_precision_is_finite_at_both_ends_of_the_concentration(dim):
    head = VonMisesFisherPosterior(event_shape=(dim,), min_kappa=1e-3, max_kappa=1e4)
    for number in (-1e4, 0.0, 1e6):
        params = torch.randn(50, dim + 1)
        params[:, -1] = number
        params.requires_grad_()
        q = head(params)
        z = q.rsample((4,))
        nats = kl(q, UniformSphere(torch.zeros(dim)), z)
        (grad,) = torch.autograd.grad(q.log_prob(z).sum() + nats.sum() + z.sum(), params)
        assert all(torch.isfinite(t).all() for t in (z, nats, grad))
        assert (nats > -1e-4).all()


def test_the_point_that_stands_for_it_is_on_the_sphere():
    q = vmf(4, 2.0)
    torch.testing.assert_close(center(q), q.mu)


@pytest.mark.parametrize("shape", [(1,), (2, 3, 3)])
def test_what_is_no_sphere_is_refused(shape):
    with pytest.raises(ValueError, match="latent_dim of 2 or more"):
        VonMisesFisherPosterior(event_shape=shape, min_kappa=1.0, max_kappa=10.0)


def test_uniform_prior_has_no_preferred_direction():
    p = UniformSpherePrior(event_shape=(4,), x_shape=(1,)).double()(None)
    z = p.sample((50_000,))
    torch.testing.assert_close(z.norm(dim=-1), torch.ones(50_000).double())
    assert within(z, 0.0)
    assert within(z**2, 0.25)


def test_importance_sampling_on_the_sphere_finds_the_likelihood_of_a_uniform_draw(settings):
    chosen = settings("model/posterior=von_mises_fisher", "model/prior=uniform_sphere")
    model = build_model(chosen, DataSpec((1, 8, 8), "binary", 10)).eval()
    batch = {"x": torch.rand(3, 1, 8, 8).round()}
    with torch.no_grad():
        bound, nll = bound_and_nll(model, batch, 5000)
        z = model.prior(model.encode).sample((5000, 3))
        plain = math.log(5000) - torch.logsumexp(model.decode(z).log_prob(batch["x"]), 0)
    assert (nll <= bound).all()
    torch.testing.assert_close(nll, plain, atol=0.06, rtol=0)
