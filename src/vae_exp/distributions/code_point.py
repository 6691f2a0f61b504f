"""The posterior of latents that are codes."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints


class CodePoint(Distribution):
    """All mass on one code at each position: q(c|x) = 1 for the codes of x; its samples are the codes' vectors.

    Args:
        codes: Number of the code at each position, [..., positions] int64.
        value: Their vectors, [..., D], with the gradient that the encoder is to get.
        encoded: What was replaced by them, [..., D].

    Source: van den Oord et al., 2017, "Neural discrete representation learning", eq. 1, arXiv:1711.00937
    """

    arg_constraints = {}  # noqa: RUF012 - torch's own interface
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, codes: Tensor, value: Tensor, encoded: Tensor, *, validate_args: bool | None = None) -> None:
        self.codes, self.value, self.encoded = codes, value, encoded
        super().__init__(value.shape[:-1], value.shape[-1:], validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.value

    def log_prob(self, value: Tensor) -> Tensor:
        """0 at the point and minus infinity elsewhere: a probability, and no density."""
        here = (value == self.value).all(-1)
        return torch.where(here, 0.0, -math.inf).to(self.value.dtype)

    def rsample(self, sample_shape: torch.Size | list[int] | tuple[int, ...] = ()) -> Tensor:
        """The vectors, as often as asked."""
        return self.value.expand(self._extended_shape(torch.Size(sample_shape)))

    def sample(self, sample_shape: torch.Size | list[int] | tuple[int, ...] = ()) -> Tensor:
        """The same, without a gradient."""
        return self.rsample(sample_shape).detach()
