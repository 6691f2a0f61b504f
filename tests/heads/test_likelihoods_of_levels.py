"""Categorical pixels and mixtures of discretised logistics against exhaustive sums, scipy, and their own samples."""

import itertools
import math

import numpy as np
import pytest
import scipy.stats
import torch

from vae_exp.distributions.categorical_levels import CategoricalLevels
from vae_exp.heads.likelihoods.categorical import CategoricalLikelihood
from vae_exp.heads.likelihoods.discretized_logistic_mixture import DiscretizedLogisticMixtureLikelihood


def double(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def mixture(levels, shape=(3, 1, 1), num_components=3):
    return DiscretizedLogisticMixtureLikelihood(
        event_shape=shape, num_components=num_components, levels=levels, min_log_scale=-7.0, max_log_scale=3.0
    )


def every_pixel(levels, colours):
    """All values of one pixel, [levels ** colours, colours, 1, 1]."""
    grid = torch.linspace(0, 1, levels, dtype=torch.float64)
    return torch.cartesian_prod(*[grid] * colours).reshape(-1, colours, 1, 1)


# Categorical


@pytest.mark.parametrize("levels", [2, 5, 256])
def test_categorical_masses_sum_to_one_and_match_scipy(levels):
    logits = 3 * double(levels)
    d = CategoricalLevels(logits)
    masses = d.log_prob(torch.linspace(0, 1, levels).double()).exp()
    np.testing.assert_allclose(masses.numpy(), scipy.special.softmax(logits.numpy()), rtol=1e-10)
    by_definition = (masses * torch.arange(levels) / (levels - 1)).sum()
    torch.testing.assert_close(d.mean, by_definition)


def test_categorical_head_reads_level_after_level():
    head, params = CategoricalLikelihood(event_shape=(2, 3, 4), levels=5), double(6, 10, 3, 4)
    levels = torch.randint(0, 5, (6, 2, 3, 4))
    log_masses = torch.stack(params.chunk(5, dim=1)).log_softmax(0)  # [5, 6, 2, 3, 4]
    by_hand = log_masses.gather(0, levels[None])[0].sum((1, 2, 3))
    torch.testing.assert_close(head(params).log_prob(levels.double() / 4), by_hand)


def test_every_level_of_eight_bits_is_read_as_itself():
    x = torch.arange(256, dtype=torch.uint8).float() / 255  # as the data path makes them
    logits = torch.arange(256.0) / 50
    found = CategoricalLevels(logits.expand(256, 256)).log_prob(x)
    torch.testing.assert_close(found, logits.log_softmax(0))


def test_categorical_is_sampled_as_it_is_scored():
    d = CategoricalLevels(double(2, 5))
    drawn = (d.sample((20_000,)) * 4).round().long()
    for row in range(2):
        counts = torch.bincount(drawn[:, row], minlength=5).numpy()
        assert scipy.stats.chisquare(counts, 20_000 * d.logits[row].softmax(0).numpy()).pvalue > 1e-4


# Mixture of discretised logistics


@pytest.mark.parametrize(("levels", "colours"), [(2, 3), (4, 3), (8, 3), (8, 2), (5, 4), (256, 1)])
@pytest.mark.parametrize("spread", [0.3, 3.0])
def test_mixture_masses_sum_to_one_over_all_levels_and_colours(levels, colours, spread):
    head = mixture(levels, (colours, 1, 1))
    params = spread * double(*head.params_shape)
    masses = head(params).log_prob(every_pixel(levels, colours)).exp()
    assert masses.sum().item() == pytest.approx(1, abs=1e-12)
    assert masses.min() >= 0


def by_hand(params, x, levels, num_components):
    """Log mass of one pixel of three colours, [3], written with scipy from the paper's equations in [-1, 1]."""
    rows = params.reshape(num_components, 10)
    log_pi = rows[:, 0] - scipy.special.logsumexp(rows[:, 0])
    x, half = 2 * x - 1, 1 / (levels - 1)
    total = []
    for m in range(num_components):
        mu, s = 2 * rows[m, 1:4], 2 * np.exp(np.clip(rows[m, 4:7] - 2, -7, 3))
        alpha, beta, gamma = np.tanh(rows[m, 7:])
        means = (mu[0], mu[1] + alpha * x[0], mu[2] + beta * x[0] + gamma * x[1])
        log_mass = log_pi[m]
        for value, mean, scale in zip(x, means, s, strict=True):
            upper = np.inf if value == 1 else value + half
            lower = -np.inf if value == -1 else value - half
            cdf = scipy.stats.logistic(mean, scale).cdf
            log_mass += math.log(cdf(upper) - cdf(lower))
        total.append(log_mass)
    return scipy.special.logsumexp(total)


def test_mixture_is_that_of_the_paper():
    head = mixture(8)
    params = 0.7 * double(*head.params_shape)
    p = head(params)
    for x in every_pixel(8, 3)[::37]:
        assert p.log_prob(x).item() == pytest.approx(by_hand(params.numpy().ravel(), x.numpy().ravel(), 8, 3), rel=1e-9)


def test_mixture_scores_pixels_by_themselves():
    head, one = mixture(6, (3, 2, 4)), mixture(6)
    params, x = double(5, *head.params_shape), torch.randint(0, 6, (5, 3, 2, 4)).double() / 5
    total = torch.zeros(5).double()
    for i, j in itertools.product(range(2), range(4)):
        total += one(params[:, :, i : i + 1, j : j + 1]).log_prob(x[:, :, i : i + 1, j : j + 1])
    torch.testing.assert_close(head(params).log_prob(x), total)


def test_grey_mixture_of_one_is_a_discretised_logistic():
    from vae_exp.heads.likelihoods.discretized_logistic import DiscretizedLogisticLikelihood

    one = mixture(256, (1, 3, 4), num_components=1)
    plain = DiscretizedLogisticLikelihood(event_shape=(1, 3, 4), levels=256, min_log_scale=-7.0, max_log_scale=3.0)
    params, x = double(5, 3, 3, 4), torch.randint(0, 256, (5, 1, 3, 4)).double() / 255
    torch.testing.assert_close(one(params).log_prob(x), plain(params[:, 1:]).log_prob(x))
    torch.testing.assert_close(one(params).mean, plain(params[:, 1:]).mean)


def test_mixture_is_sampled_as_it_is_scored():
    head = mixture(3)
    params = double(*head.params_shape)
    p = head(params)
    drawn = (p.sample((30_000,)).reshape(-1, 3) * 2).round().long()
    assert set(drawn.unique().tolist()) <= {0, 1, 2}
    counts = torch.bincount(drawn @ torch.tensor([9, 3, 1]), minlength=27).numpy()
    masses = p.log_prob(every_pixel(3, 3)).exp().numpy()
    kept = masses * 30_000 > 5
    expected = np.append(masses[kept], masses[~kept].sum()) * 30_000
    observed = np.append(counts[kept], counts[~kept].sum())
    assert scipy.stats.chisquare(observed[expected > 0], expected[expected > 0]).pvalue > 1e-4


def test_each_sample_of_a_batch_is_of_its_own_distribution():
    head = mixture(256, (3, 2, 2), num_components=2)
    params = torch.zeros(5, *head.params_shape)
    rows = params.unflatten(1, (2, 10))
    rows[:, :, 1:4] = torch.linspace(-0.4, 0.4, 5)[:, None, None, None, None]
    rows[:, :, 4:7] = -10.0
    p = head(params)
    drawn = p.sample((7,))
    assert drawn.shape == (7, 5, 3, 2, 2)
    target = torch.linspace(0.1, 0.9, 5)[:, None, None, None].expand(5, 3, 2, 2)
    torch.testing.assert_close(drawn.mean(0), target, atol=0.02, rtol=0)
    torch.testing.assert_close(p.mean, target, atol=0.01, rtol=0)


@pytest.mark.parametrize("colours", [1, 3])
def test_mean_of_a_mixture_is_that_of_its_masses(colours):
    levels = 64 if colours == 1 else 16
    head = mixture(levels, (colours, 1, 1))
    params = double(*head.params_shape)
    rows = params.view(3, -1, 1, 1)
    rows[:, 1 : 1 + colours] *= 0.1
    rows[:, 1 + colours : 1 + 2 * colours] -= 2.0
    rows[:, 1 + 2 * colours :] *= 0.3
    p, x = head(params), every_pixel(levels, colours)
    exhaustive = (p.log_prob(x).exp()[:, None, None, None] * x).sum(0)
    torch.testing.assert_close(p.mean, exhaustive, atol=0.5 / (levels - 1), rtol=0)
    torch.testing.assert_close(p.mean, p.sample((20_000,)).mean(0), atol=0.5 / (levels - 1), rtol=0)


@pytest.mark.parametrize("size", [1e2, 1e4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_extreme_parameters_have_finite_masses_and_gradients(size, dtype):
    for head in (mixture(256, (3, 4, 4)), CategoricalLikelihood(event_shape=(3, 4, 4), levels=256)):
        params = (size * torch.randn(8, *head.params_shape)).to(dtype).requires_grad_()
        score = head(params).log_prob(torch.randint(0, 256, (8, 3, 4, 4)) / 255)
        score.sum().backward()
        assert torch.isfinite(score).all()
        assert torch.isfinite(params.grad).all()
        assert torch.isfinite(head(params).mean).all()


def test_mixture_refuses_vectors():
    with pytest.raises(ValueError, match="needs pictures"):
        mixture(256, (12,))
