"""The posterior: its parameters, its bounds, and the gradients that pass through its samples."""

import math

import pytest
import torch

from vae_exp.heads.posteriors.diag_normal import DiagNormal


def head(dim=3, low=-14.0, high=14.0):
    return DiagNormal(event_shape=(dim,), min_log_var=low, max_log_var=high)


def test_first_half_of_the_parameters_is_the_mean_and_the_second_the_log_variance():
    params = torch.randn(5, 6, dtype=torch.float64)
    q = head()(params)
    assert (q.batch_shape, q.event_shape) == ((5,), (3,))
    torch.testing.assert_close(q.mean, params[:, :3])
    torch.testing.assert_close(q.variance, params[:, 3:].exp())


def test_log_density_is_written_by_hand():
    params, z = torch.randn(5, 6, dtype=torch.float64), torch.randn(4, 5, 3, dtype=torch.float64)
    mu, log_var = params.chunk(2, -1)
    by_hand = -0.5 * ((z - mu) ** 2 / log_var.exp() + log_var + math.log(2 * math.pi)).sum(-1)
    torch.testing.assert_close(head()(params).log_prob(z), by_hand)


@pytest.mark.parametrize("log_var", [-1e4, 1e4])
def test_log_variance_is_clamped_so_that_densities_stay_finite(log_var):
    q = head()(torch.tensor([[0.0, 1.0, 2.0, *[log_var] * 3]]))
    torch.testing.assert_close(q.variance.log(), torch.full((1, 3), math.copysign(14.0, log_var)))
    assert torch.isfinite(q.log_prob(q.rsample())).all()


def test_latents_may_be_pictures():
    picture = DiagNormal(event_shape=(2, 4, 4), min_log_var=-14.0, max_log_var=14.0)
    assert picture.params_shape == (4, 4, 4)
    q = picture(torch.randn(5, 4, 4, 4))
    assert (q.batch_shape, q.event_shape) == ((5,), (2, 4, 4))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_parameters_are_promoted(dtype):
    assert head()(torch.randn(5, 6).to(dtype)).rsample().dtype == torch.float32


def test_bounds_out_of_order_are_refused():
    with pytest.raises(ValueError, match=r"min_log_var=2\.0"):
        head(low=2.0, high=2.0)


def test_gradient_of_a_quadratic_expectation_matches_its_closed_form():
    # E[(z - a)' D (z - a)] = sum_j d_j ((mu_j - a_j)^2 + sigma_j^2)
    params = torch.tensor([0.7, -1.0, 0.2, -0.5, 0.3, 1.1], dtype=torch.float64, requires_grad=True)
    a, d = torch.tensor([1.0, 0.0, -2.0]).double(), torch.tensor([1.0, 3.0, 0.5]).double()
    batches = []
    for _ in range(100):
        z = head()(params).rsample((1000,))
        batches.append(torch.autograd.grad((d * (z - a) ** 2).sum(-1).mean(), params)[0])
    draws = torch.stack(batches)
    error = draws.std(0) / len(draws) ** 0.5
    mu, log_var = params.detach().chunk(2)
    by_hand = torch.cat((2 * d * (mu - a), d * log_var.exp()))
    assert ((draws.mean(0) - by_hand).abs() <= 4.5 * error).all()
    assert (error < 0.05 * by_hand.abs().clamp_min(1)).all()
