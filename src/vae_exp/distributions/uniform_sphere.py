"""The uniform distribution on a sphere."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints


def log_area(dim: int) -> float:
    """Log of 2 pi^(D/2) / Gamma(D/2), the area of the unit sphere of R^D; for D = 1, of two points."""
    return math.log(2) + 0.5 * dim * math.log(math.pi) - math.lgamma(0.5 * dim)


class UniformSphere(Distribution):
    """p(z) = 1 / area on the unit sphere of R^D.

    Args:
        like: A tensor [D] of the device and type that samples have.
    """

    arg_constraints = {}  # noqa: RUF012 - torch's own interface
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, like: Tensor, *, validate_args: bool | None = None) -> None:
        self.like, self.dim = like, like.shape[-1]
        super().__init__(torch.Size(), like.shape[-1:], validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return torch.zeros_like(self.like)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density with respect to the area of the sphere, nats."""
        return value.new_full(value.shape[:-1], -log_area(self.dim))

    def rsample(self, sample_shape: torch.Size | list[int] | tuple[int, ...] = ()) -> Tensor:
        """Draw; there is nothing to differentiate."""
        shape = self._extended_shape(torch.Size(sample_shape))
        z = torch.randn(shape, dtype=self.like.dtype, device=self.like.device)
        on_sphere: Tensor = z / z.norm(dim=-1, keepdim=True)
        return on_sphere
