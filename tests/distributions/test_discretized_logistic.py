"""The discretized logistic is a probability mass, right in its far tails, and sampled as it is scored."""

import numpy as np
import pytest
import torch
from scipy.special import log_expit, logsumexp
from scipy.stats import logistic

from vae_exp.distributions.discretized_logistic import DiscretizedLogistic

LEVELS = torch.arange(256, dtype=torch.float64) / 255
EXTREMES = [
    (loc, log_scale) for loc in (-50.0, -1.0, 0.0, 0.5, 1 / 255, 0.4999, 1.0, 2.0, 50.0) for log_scale in (-7, -2, 3, 8)
]


def every_mass(loc, log_scale, dtype=torch.float64, levels=256):
    """Log masses of all levels, [levels, ...]."""
    x = torch.arange(levels, dtype=dtype) / (levels - 1)
    loc, log_scale = torch.as_tensor(loc, dtype=dtype), torch.as_tensor(log_scale, dtype=dtype)
    return DiscretizedLogistic(loc, log_scale, levels=levels).log_prob(x.reshape(-1, *[1] * loc.ndim))


def reference(loc, log_scale, levels=256):
    """Log masses by scipy, as differences of whichever tail is the smaller."""
    scale, half = np.exp(log_scale), 0.5 / (levels - 1)
    masses = []
    for k in range(levels):
        a, b = k / (levels - 1) - half, k / (levels - 1) + half
        if k == 0:
            masses.append(logistic.logcdf(b, loc, scale))
        elif k == levels - 1:
            masses.append(logistic.logsf(a, loc, scale))
        else:
            left = a + b < 2 * loc
            far, near = (logistic.logcdf(a, loc, scale), logistic.logcdf(b, loc, scale))
            if not left:
                far, near = logistic.logsf(b, loc, scale), logistic.logsf(a, loc, scale)
            masses.append(near + np.log(-np.expm1(far - near)))
    return np.array(masses)


@pytest.mark.parametrize(("dtype", "atol"), [(torch.float64, 1e-12), (torch.float32, 1e-4)])
@pytest.mark.parametrize("levels", [2, 17, 256])
def test_masses_sum_to_one(dtype, atol, levels):
    loc, log_scale = torch.randn(200) + 0.5, 3 * torch.randn(200)
    extreme = torch.tensor(EXTREMES)
    log_mass = every_mass(torch.cat((loc, extreme[:, 0])), torch.cat((log_scale, extreme[:, 1])), dtype, levels)
    assert torch.isfinite(log_mass).all()
    total = log_mass.double().exp().sum(0)
    torch.testing.assert_close(total, torch.ones_like(total), atol=atol, rtol=0)


@pytest.mark.parametrize(("loc", "log_scale"), EXTREMES)
def test_log_masses_are_right_in_the_far_tails(loc, log_scale):
    mine, theirs = every_mass(loc, float(log_scale)).numpy(), reference(loc, float(log_scale))
    assert np.isfinite(mine).all()
    np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-9)
    assert logsumexp(mine) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("loc", "log_scale"), EXTREMES)
def test_single_precision_is_near_double_precision(loc, log_scale):
    single, double = every_mass(loc, float(log_scale), torch.float32), every_mass(loc, float(log_scale))
    torch.testing.assert_close(single.double(), double, rtol=1e-5, atol=2e-3)


def test_smallest_mass_is_the_product_of_two_logistic_tails():
    d = DiscretizedLogistic(torch.tensor(0.5).double(), torch.tensor(-7.0).double(), levels=256)
    x, s = 10 / 255, np.exp(-7.0)
    by_hand = log_expit((x + 0.5 / 255 - 0.5) / s) + np.log(-np.expm1(-1 / 255 / s))  # the upper tail is 1
    assert by_hand < -400
    assert d.log_prob(torch.tensor(x, dtype=torch.float64)).item() == pytest.approx(by_hand, rel=1e-12)


@pytest.mark.parametrize(("loc", "log_scale"), [(0.3, -3.0), (0.98, -2.0), (-0.1, -1.5), (0.5, 1.0)])
def test_sample_frequencies_match_the_masses(loc, log_scale):
    n, levels = 100_000, 17
    d = DiscretizedLogistic(torch.tensor(loc).double(), torch.tensor(log_scale).double(), levels=levels)
    drawn = d.sample((n,)) * (levels - 1)
    counts = torch.bincount(drawn.round().long(), minlength=levels)
    torch.testing.assert_close(drawn, drawn.round(), atol=1e-9, rtol=0)
    mass = every_mass(loc, log_scale, levels=levels).exp()
    error = (mass * (1 - mass) / n).sqrt()
    assert ((counts / n - mass).abs() <= 4.5 * error + 1.5 / n).all()


def test_samples_have_their_shape_and_are_on_the_levels():
    d = DiscretizedLogistic(torch.rand(3, 2), torch.full((2,), -2.0), levels=256)
    drawn = d.sample((5,))
    assert drawn.shape == (5, 3, 2)
    assert torch.isfinite(d.log_prob(drawn)).all()


@pytest.mark.parametrize(("loc", "log_scale"), [e for e in EXTREMES if e[1] < 8])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_mean_is_within_half_a_level_of_the_exhaustive_sum(loc, log_scale, dtype):
    exhaustive = (every_mass(loc, float(log_scale)).exp() * LEVELS).sum().item()
    d = DiscretizedLogistic(torch.tensor(loc, dtype=dtype), torch.tensor(float(log_scale), dtype=dtype), levels=256)
    assert d.mean.item() == pytest.approx(exhaustive, abs=0.5 / 255)
    assert -1e-5 <= d.mean.item() <= 1 + 1e-5


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gradients_are_finite_everywhere(dtype):
    points = torch.tensor(EXTREMES, dtype=dtype)
    loc, log_scale = points[:, 0].clone().requires_grad_(), points[:, 1].clone().requires_grad_()
    d = DiscretizedLogistic(loc, log_scale, levels=256)
    d.log_prob(LEVELS.to(dtype)[:, None]).sum().backward()
    assert torch.isfinite(loc.grad).all()
    assert torch.isfinite(log_scale.grad).all()


def test_gradients_match_finite_differences():
    loc = torch.tensor([0.2, 0.5, 1.1, 0.0], dtype=torch.float64, requires_grad=True)
    log_scale = torch.tensor([-3.0, -1.0, -2.0, 0.5], dtype=torch.float64, requires_grad=True)
    x = LEVELS[[0, 3, 128, 255], None]
    assert torch.autograd.gradcheck(lambda m, s: DiscretizedLogistic(m, s, levels=256).log_prob(x), (loc, log_scale))


def test_values_outside_the_unit_interval_are_refused_when_checked():
    d = DiscretizedLogistic(torch.tensor(0.5), torch.tensor(-1.0), levels=256)
    with pytest.raises(ValueError, match="support"):
        d.log_prob(torch.tensor(1.5))
