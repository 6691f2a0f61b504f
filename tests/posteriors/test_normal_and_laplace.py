"""Gaussian posteriors with any covariance, and Laplace posteriors."""

import pytest
import torch
from torch.distributions import Independent, Laplace, MultivariateNormal, Normal, StudentT, kl_divergence

from vae_exp.distributions.kl import kl_per_dim
from vae_exp.heads.posteriors.diag_normal import DiagNormal
from vae_exp.heads.posteriors.full_normal import FullNormal
from vae_exp.heads.posteriors.laplace import LaplacePosterior

from .laws import integral, kl_matches_samples, moments_match_density


def posteriors(dim):
    return {
        "diag_normal": DiagNormal(event_shape=(dim,), min_log_var=-14.0, max_log_var=14.0),
        "full_normal": FullNormal(event_shape=(dim,), min_log_var=-14.0, max_log_var=14.0),
        "laplace": LaplacePosterior(event_shape=(dim,), min_log_scale=-7.0, max_log_scale=7.0),
    }


def drawn(name, dim, batch=()):
    head = posteriors(dim)[name]
    return head(0.7 * torch.randn(*batch, *head.params_shape, dtype=torch.float64))


def normal(dim):
    return Independent(Normal(torch.linspace(-1, 1, dim).double(), torch.linspace(0.5, 2, dim).double()), 1)


def laplace(dim):
    return Independent(Laplace(torch.linspace(-1, 1, dim).double(), torch.linspace(0.5, 2, dim).double()), 1)


@pytest.mark.parametrize(
    ("name", "prior"),
    [("full_normal", normal), ("laplace", normal), ("laplace", laplace), ("diag_normal", laplace)],
)
def test_rate_in_closed_form_matches_samples(name, prior):
    assert kl_matches_samples(drawn(name, 3, (4,)), prior(3))


@pytest.mark.parametrize("name", ["diag_normal", "laplace"])
@pytest.mark.parametrize("prior", [normal, laplace])
def test_rate_of_independent_dimensions_divides(name, prior):
    q = drawn(name, 3, (4,))
    assert kl_per_dim(q, prior(3)).shape == (4, 3)
    assert kl_per_dim(drawn("full_normal", 3, (4,)), prior(3)) is None


def test_full_covariance_agrees_with_the_general_formula():
    q, p = drawn("full_normal", 5, (4,)), normal(5)
    general = kl_divergence(q, MultivariateNormal(p.mean, torch.diag(p.variance)))
    torch.testing.assert_close(kl_divergence(q, p), general)


def test_full_covariance_has_no_closed_form_from_other_priors():
    with pytest.raises(NotImplementedError):
        kl_divergence(drawn("full_normal", 2), Independent(StudentT(torch.full((2,), 3.0)), 1))


def test_full_covariance_takes_its_parameters_row_by_row():
    head = posteriors(3)["full_normal"]
    assert head.params_shape == (9,)
    q = head(torch.tensor([1.0, 2, 3, 0, 0, 0, 4, 5, 6]))
    torch.testing.assert_close(q.scale_tril, torch.tensor([[1.0, 0, 0], [4, 1, 0], [5, 6, 1]]))
    torch.testing.assert_close(q.mean, torch.tensor([1.0, 2, 3]))


@pytest.mark.parametrize("name", ["full_normal", "laplace"])
@pytest.mark.parametrize("dim", [1, 2])
def test_densities_integrate_to_one_and_are_those_of_the_samples(name, dim):
    q = drawn(name, dim)
    assert integral(q, dim) == pytest.approx(1, abs=5e-3)
    assert moments_match_density(q, dim)


@pytest.mark.parametrize("name", ["full_normal", "laplace"])
@pytest.mark.parametrize("extreme", [-1e4, 1e4])
def test_extreme_parameters_are_clamped(name, extreme):
    head = posteriors(3)[name]
    params = torch.zeros(2, *head.params_shape)
    params[:, 3:6] = extreme
    q = head(params)
    assert torch.isfinite(q.log_prob(q.rsample())).all()


@pytest.mark.parametrize("name", ["full_normal", "laplace"])
def test_half_precision_parameters_are_promoted(name):
    head = posteriors(3)[name]
    assert head(torch.randn(5, *head.params_shape).bfloat16()).rsample().dtype == torch.float32


def test_bounds_out_of_order_are_refused():
    with pytest.raises(ValueError, match=r"min_log_var=2\.0"):
        FullNormal(event_shape=(2,), min_log_var=2.0, max_log_var=2.0)
    with pytest.raises(ValueError, match=r"min_log_scale=2\.0"):
        LaplacePosterior(event_shape=(2,), min_log_scale=2.0, max_log_scale=1.0)
    with pytest.raises(ValueError, match="one over vectors"):
        FullNormal(event_shape=(2, 3, 3), min_log_var=-1.0, max_log_var=1.0)
