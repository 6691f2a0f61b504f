"""A distribution whose parameters depend on the very draw that it is to score."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.distributions import Distribution, constraints


class OfADraw(Distribution):
    """p(v|z) where z was inferred from v itself, so that there is no divergence from it in closed form.

    E_q(v)[log p(v|z(v))] is no expectation under a fixed p: a closed form would pair each v with the z of another one.
    Of this type none is known, so that a rate is estimated from the draw.

    Args:
        p: The distribution.
    """

    arg_constraints = {}  # noqa: RUF012 - torch's own interface
    support = constraints.real_vector

    def __init__(self, p: Distribution) -> None:
        self.p = p
        super().__init__(p.batch_shape, p.event_shape, validate_args=False)

    @property
    def mean(self) -> Tensor:
        mean: Tensor = self.p.mean
        return mean

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density, nats."""
        nats: Tensor = self.p.log_prob(value)
        return nats

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Draw."""
        drawn: Tensor = self.p.sample(sample_shape)
        return drawn
