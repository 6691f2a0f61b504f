"""Fully connected networks with gates instead of activations."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vae_exp.nets.chain import Chain
from vae_exp.nets.initialise import Init
from vae_exp.types import Count, CountOrZero


class GatedMLP(Chain):
    """Gated layers, h = (W x + b) * sigmoid(V x + c), then a linear one, between any two shapes.

    Args:
        in_shape: Shape of one input.
        out_shape: Shape of one output.
        context_dim: Width of a context that is joined to the input.
        hidden: Widths of the gated layers.
        init: How the weights are drawn.

    Source: Tomczak & Welling, 2018, "VAE with a VampPrior", sec. 5.1, arXiv:1705.07120; the gate: Dauphin et al., 2017,
        "Language modeling with gated convolutional networks", eq. 1, arXiv:1612.08083
    """

    def __init__(
        self,
        in_shape: tuple[int, ...],
        out_shape: tuple[int, ...],
        *,
        context_dim: CountOrZero = 0,
        hidden: Sequence[Count],
        init: Init,
    ) -> None:
        widths = (math.prod(in_shape) + context_dim, *hidden)
        layers = [Gated(before, after) for before, after in zip(widths, hidden, strict=False)]
        super().__init__([*layers, nn.Linear(widths[-1], math.prod(out_shape))], out_shape, init)


class Gated(nn.Module):
    """h = (W x + b) * sigmoid(V x + c)."""

    def __init__(self, width: int, next_width: int) -> None:
        super().__init__()
        self.value = nn.Linear(width, next_width)
        self.gate = nn.Linear(width, next_width)

    def forward(self, x: Tensor) -> Tensor:
        """[N, width] -> [N, next_width]."""
        out: Tensor = self.value(x) * torch.sigmoid(self.gate(x))
        return out
