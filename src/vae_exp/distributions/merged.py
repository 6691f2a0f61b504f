"""Two Gaussian opinions of one value, put together."""

from __future__ import annotations

from torch.distributions import Distribution, Independent, Normal


def merged(a: Distribution, b: Distribution) -> Distribution:
    """The product of two Gaussians with independent dimensions, normalised: means weighted by precisions.

    1 / var = 1 / var_a + 1 / var_b,  mu = var * (mu_a / var_a + mu_b / var_b)

    Args:
        a: An Independent Normal.
        b: Another, of the same event_shape.

    Source: Sonderby et al., 2016, "Ladder variational autoencoders", eq. 10-12, arXiv:1602.02282
    """
    assert isinstance(a, Independent)
    assert isinstance(b, Independent)
    var_a, var_b = a.base_dist.variance, b.base_dist.variance
    total = var_a + var_b
    mu = (a.base_dist.mean * var_b + b.base_dist.mean * var_a) / total
    return Independent(Normal(mu, (var_a * var_b / total).sqrt()), a.reinterpreted_batch_ndims)
