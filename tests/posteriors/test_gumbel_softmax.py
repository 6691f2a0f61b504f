"""Categorical latents: relaxed in training, hard in evaluation."""

import itertools
import math

import pytest
import torch

from vae_exp.build import build_model
from vae_exp.distributions.center import center
from vae_exp.distributions.kl import kl
from vae_exp.distributions.one_hots import OneHots
from vae_exp.errors import UserError
from vae_exp.heads.posteriors.gumbel_softmax import GumbelSoftmax
from vae_exp.priors.uniform_categorical import UniformCategorical
from vae_exp.schedules import Constant, Linear, Progress
from vae_exp.types import DataSpec

from .laws import bound_and_nll, kl_matches_samples, within

LATENT = ("model.latent_dim=6", "model.posterior.categories=3")


def head(schedule=None, latent_dim=6):
    return GumbelSoftmax(event_shape=(latent_dim,), categories=3, temperature=0.5, schedule=schedule or Constant())


def every_value():
    """All nine pairs of one-hot vectors of three, [9, 6]."""
    eye = torch.eye(3, dtype=torch.float64)
    return torch.stack([torch.cat(pair) for pair in itertools.product(eye, eye)])


def test_probabilities_sum_to_one_and_are_those_of_the_samples():
    q = head().eval()(torch.randn(6, dtype=torch.float64))
    values = every_value()
    mass = q.log_prob(values).exp()
    torch.testing.assert_close(mass.sum(), torch.tensor(1.0).double())
    torch.testing.assert_close((mass[:, None] * values).sum(0), q.mean)
    drawn = q.sample((100_000,))
    assert within((drawn[:, None] == values).all(-1).double(), mass)


def test_rate_is_that_of_the_categorical_variables_and_the_same_in_training():
    params = torch.randn(4, 6, dtype=torch.float64)
    p = UniformCategorical(event_shape=(6,), x_shape=(1,), categories=3).double()(None)
    q = head().eval()(params)
    assert kl_matches_samples(q, p)
    values = every_value()[:, None]
    by_sum = (q.log_prob(values).exp() * (q.log_prob(values) - p.log_prob(values))).sum(0)
    torch.testing.assert_close(kl(q, p, None), by_sum)
    torch.testing.assert_close(kl(head().train()(params), p, None), by_sum)


def test_the_most_likely_category_of_a_relaxed_sample_is_distributed_as_the_hard_one():
    params = torch.randn(6, dtype=torch.float64)
    q = head().train()(params)
    z = q.rsample((100_000,)).unflatten(-1, (2, 3))
    torch.testing.assert_close(z.sum(-1), torch.ones_like(z[..., 0]))
    hard = torch.nn.functional.one_hot(z.argmax(-1), 3).double().flatten(-2)
    assert within(hard, q.mean)


def test_gradient_of_a_relaxed_expectation_matches_finite_differences():
    params, weight = torch.randn(6, dtype=torch.float64), torch.randn(6, dtype=torch.float64)

    def value(at):
        torch.manual_seed(3)
        return (head().train()(at).rsample((500,)) ** 2 @ weight).mean()

    assert torch.autograd.gradcheck(value, params.requires_grad_())


def test_temperature_follows_its_schedule():
    moving = head(Linear(start=1.0, end=0.1, duration=10, unit="steps")).train()
    moving.schedule.advance(Progress(5, 0.0, 100))
    assert float(moving(torch.zeros(6)).temperature) == pytest.approx(0.5 * 0.55)
    moving.schedule.value.zero_()
    assert torch.isfinite(moving(torch.randn(6)).rsample((100,))).all()


def test_a_relaxed_sample_has_no_probability():
    q = head().train()(torch.randn(2, 6))
    with pytest.raises(UserError, match="gumbel_softmax"):
        q.log_prob(q.rsample())


def test_extreme_logits_stay_finite():
    params = torch.tensor([1e4, 0.0, -1e4, 0.0, 0.0, 0.0], requires_grad=True)
    q = head().train()(params)
    p = OneHots(torch.zeros(2, 3), temperature=None)
    (grad,) = torch.autograd.grad(q.rsample((50,)).square().sum() + kl(q, p, None), params)
    assert torch.isfinite(grad).all()


def test_the_point_that_stands_for_it_is_one_hot():
    q = head()(torch.tensor([0.0, 2.0, 1.0, 3.0, 0.0, 0.0]))
    assert center(q).tolist() == [0, 1, 0, 1, 0, 0]


def test_sizes_that_do_not_divide_are_refused():
    with pytest.raises(ValueError, match=r"latent_dim=7 is no multiple of categories=3.*latent_dim=6"):
        head(latent_dim=7)
    p = OneHots(torch.zeros(3, 2), temperature=None)
    with pytest.raises(UserError, match=r"categories=3 and model\.prior\.categories=2"):
        kl(head()(torch.zeros(1, 6)), p, None)


def test_prior_takes_the_posteriors_categories_and_nll_is_the_exhaustive_sum(settings):
    chosen = settings("model/posterior=gumbel_softmax", "model/prior=uniform_categorical", *LATENT)
    model = build_model(chosen, DataSpec((1, 8, 8), "binary", 10)).double().eval()
    batch = {"x": torch.rand(3, 1, 8, 8).round().double()}
    with torch.no_grad():
        bound, nll = bound_and_nll(model, batch, 4000)
        joint = model.decode(every_value()[:, None].expand(-1, 3, -1)).log_prob(batch["x"])
    exact = math.log(9) - torch.logsumexp(joint, 0)
    torch.testing.assert_close(nll, exact, atol=0.03, rtol=0)
    assert (bound > exact - 0.01).all()
