"""A distribution sent through a map, which knows the density of what it has just drawn."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints

from vae_exp.errors import UserError

Forward = Callable[[Tensor], tuple[Tensor, Tensor]]
"""z0 [..., D] -> z [..., D] and log |det dz/dz0| [...]."""


def through(steps: Sequence[Any], z: Tensor) -> tuple[Tensor, Tensor]:
    """Send z through transformations of zuko; with the sum of their log-determinants."""
    log_det = torch.zeros_like(z[..., 0])
    for step in steps:
        z, change = step.call_and_ladj(z)
        log_det = log_det + change
    return z, log_det


def back(steps: Sequence[Any], z: Tensor) -> Tensor:
    """Undo `through`."""
    for step in reversed(steps):
        z = step.inv(z)
    return z


class Flowed(Distribution):
    """The law of z = f(z0), z0 ~ base: log q(z) = log base(z0) - log |det df/dz0|.

    The density of the samples drawn last comes with them, without inverting f; that of other points needs the inverse.

    Args:
        base: Distribution of z0, with `rsample`.
        forward: f, and its log-determinant.
        inverse: f^-1, or None where f has none in closed form.
        name: Of the option, for the error.

    Source: Rezende & Mohamed, 2015, "Variational inference with normalizing flows", eq. 13, arXiv:1505.05770
    """

    arg_constraints = {}  # noqa: RUF012 - torch's own interface
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        base: Distribution,
        forward: Forward,
        inverse: Callable[[Tensor], Tensor] | None,
        *,
        name: str,
        validate_args: bool | None = None,
    ) -> None:
        self.base, self.forward, self.inverse, self.name = base, forward, inverse, name
        self._drawn: tuple[Tensor, Tensor] | None = None
        super().__init__(base.batch_shape, base.event_shape, validate_args=validate_args)

    def rsample(self, sample_shape: torch.Size | list[int] | tuple[int, ...] = ()) -> Tensor:
        """Draw, and keep the log density of the draws."""
        z0 = self.base.rsample(torch.Size(sample_shape))
        z, log_det = self.forward(z0)
        self._drawn = z, self.base.log_prob(z0) - log_det
        return z

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density, nats.

        Raises:
            UserError: The points are not the samples drawn last, and f has no inverse.
        """
        if self._drawn is not None and value is self._drawn[0]:
            return self._drawn[1]
        if self.inverse is None:
            raise UserError(
                f"model/posterior={self.name} knows the density of its own latest samples only, as its map has no "
                "inverse in closed form; use model/posterior=iaf"
            )
        z0 = self.inverse(value)
        return self.base.log_prob(z0) - self.forward(z0)[1]


class Straightened(Distribution):
    """The law of which the transformations make independent standard normals: log p(z) takes one pass.

    zuko's own flow distribution does the same, and cannot be traced by torch.compile.

    Args:
        steps: Transformations of zuko, from z to the normals.
        like: A tensor [D] of the device and type that samples have.
    """

    arg_constraints = {}  # noqa: RUF012 - torch's own interface
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, steps: Sequence[Any], like: Tensor, *, validate_args: bool | None = None) -> None:
        self.steps, self.like = steps, like
        super().__init__(torch.Size(), like.shape[-1:], validate_args=validate_args)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density, nats."""
        straight, log_det = through(self.steps, value)
        return log_det - 0.5 * (straight.square() + math.log(2 * math.pi)).sum(-1)

    def rsample(self, sample_shape: torch.Size | list[int] | tuple[int, ...] = ()) -> Tensor:
        """Draw, by inverting the transformations."""
        shape = self._extended_shape(torch.Size(sample_shape))
        return back(self.steps, torch.randn(shape, dtype=self.like.dtype, device=self.like.device))
