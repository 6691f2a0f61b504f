"""Codes drawn one after the other."""

from __future__ import annotations

import math
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Distribution, constraints

from vae_exp.distributions.tempered import tempered


class Network(Protocol):
    """A network that knows each code's distribution from the codes before it."""

    positions: int

    def __call__(self, codes: Tensor) -> Tensor:
        """[N, positions] int64 -> logits of each code given those before it, [N, positions, categories]."""

    def draw(self, n: int, temperature: float) -> Tensor:
        """Codes drawn one after the other, logits divided by the temperature; [n, positions] int64."""


class Autoregressive(Distribution):
    """p(c) = prod_i p(c_i | c_1 ... c_(i-1)), each a softmax of logits that are divided by a temperature.

    Args:
        network: Gives the logits.
        temperature: 1 leaves them as they are; 0 draws the likeliest code at every position.

    Source: van den Oord et al., 2017, "Neural discrete representation learning", sec. 3.3, arXiv:1711.00937
    """

    arg_constraints = {}  # noqa: RUF012 - torch's own interface
    support = constraints.independent(constraints.nonnegative_integer, 1)

    def __init__(self, network: Network, temperature: float = 1.0, *, validate_args: bool | None = None) -> None:
        self.network, self.temperature = network, max(temperature, torch.finfo(torch.float32).eps)
        super().__init__(torch.Size(), torch.Size((network.positions,)), validate_args=validate_args)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log probability of codes, [..., positions] int64 -> [...], nats."""
        flat = value.reshape(-1, value.shape[-1])
        logits = self.network(flat)
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32)) / self.temperature
        nats = -F.cross_entropy(logits.flatten(0, 1), flat.flatten(), reduction="none")
        return nats.reshape(value.shape).sum(-1)

    def sample(self, sample_shape: torch.Size | list[int] | tuple[int, ...] = ()) -> Tensor:
        """Draw codes, one after the other."""
        shape = torch.Size(sample_shape)
        return self.network.draw(math.prod(shape), self.temperature).reshape(*shape, *self.event_shape)


@tempered.register(Autoregressive)
def _(p: Autoregressive, temperature: float) -> Distribution:
    return Autoregressive(p.network, p.temperature * temperature)
