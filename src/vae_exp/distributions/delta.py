"""A point that stands where a distribution is expected."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints


class Delta(Distribution):
    """All mass in one point; it has samples and a mean, and no density.

    Args:
        value: The point, [*batch_shape, *event_shape].
        event_ndim: Number of axes of an event.
    """

    arg_constraints = {"value": constraints.real}  # noqa: RUF012 - torch's own interface
    has_rsample = True

    def __init__(self, value: Tensor, *, event_ndim: int, validate_args: bool | None = None) -> None:
        self.value = value
        split = value.ndim - event_ndim
        super().__init__(value.shape[:split], value.shape[split:], validate_args=validate_args)

    @property
    def support(self) -> constraints.Constraint:
        return constraints.independent(constraints.real, len(self.event_shape))

    @property
    def mean(self) -> Tensor:
        return self.value

    def rsample(self, sample_shape: torch.Size | list[int] | tuple[int, ...] = ()) -> Tensor:
        """The point, as often as asked."""
        return self.value.expand(self._extended_shape(torch.Size(sample_shape)))

    def sample(self, sample_shape: torch.Size | list[int] | tuple[int, ...] = ()) -> Tensor:
        """The same, without a gradient."""
        return self.rsample(sample_shape).detach()
