"""The multinomial likelihood against scipy and by exhaustive sums."""

import itertools

import numpy as np
import pytest
import scipy.stats
import torch

from vae_exp.distributions.multinomial import Multinomial
from vae_exp.heads.likelihoods.multinomial import MultinomialLikelihood

SHAPE = (1, 2, 2)


def head(shape=SHAPE):
    return MultinomialLikelihood(event_shape=shape)


def test_log_prob_matches_scipy_whatever_the_total():
    logits, x = torch.randn(7, 5, 2, 3, 4).double(), torch.randint(0, 4, (5, 2, 3, 4)).double()
    found = head((2, 3, 4))(logits).log_prob(x)
    p = logits.flatten(2).softmax(-1).numpy()
    counts = x.flatten(1).numpy()
    np.testing.assert_allclose(found.numpy(), scipy.stats.multinomial.logpmf(counts[None], counts.sum(1)[None], p))


@pytest.mark.parametrize("total", [0, 1, 4])
def test_masses_of_all_counts_of_one_total_sum_to_one(total):
    counts = [c for c in itertools.product(range(total + 1), repeat=4) if sum(c) == total]
    x = torch.tensor(counts).double().reshape(-1, *SHAPE)
    masses = head()(2 * torch.randn(1, *SHAPE).double()).log_prob(x).exp()
    assert masses.sum().item() == pytest.approx(1.0, abs=1e-12)


def test_mean_and_samples_are_those_of_one_count():
    logits = torch.randn(3, *SHAPE).double()
    p = head()(logits)
    torch.testing.assert_close(p.mean.flatten(1).sum(1), torch.ones(3).double())
    drawn = p.sample((20_000,))
    assert drawn.shape == (20_000, 3, *SHAPE)
    assert ((drawn == 0) | (drawn == 1)).all()
    assert (drawn.flatten(2).sum(-1) == 1).all()
    torch.testing.assert_close(drawn.mean(0), p.mean, rtol=0, atol=0.02)


def test_it_starts_at_the_share_of_each_entry():
    mean = torch.tensor([[[0.4, 0.1], [0.3, 0.0]]]).double()
    start = head()(head().params_of_mean(mean)).mean
    torch.testing.assert_close(start, mean / mean.sum(), rtol=0, atol=2e-3)


def test_only_counts_are_scored():
    assert head().suffix("binary") == ""
    for values in ("levels", "unit_interval"):
        with pytest.raises(ValueError, match="multinomial scores counts, but this data has values between 0 and 1"):
            head().suffix(values)
    p = head()(torch.zeros(*SHAPE))
    for bad in (0.5, -1.0):
        with pytest.raises(ValueError, match="support"):
            p.log_prob(torch.full(SHAPE, bad))


def test_batches_broadcast_and_single_precision_stays():
    p = Multinomial(torch.randn(6, 1, 4), event_ndim=1)
    assert p.batch_shape == (6, 1)
    assert p.log_prob(torch.ones(5, 4)).shape == (6, 5)
    assert p.log_prob(torch.ones(5, 4)).dtype == torch.float32
