"""Fully connected networks."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vae_exp.nets.initialise import Init, initialise
from vae_exp.nets.layers import Activation, Norm, activation, joined, norm
from vae_exp.types import Count, CountOrZero


class MLP(nn.Module):
    """Rows of fully connected layers between any two shapes; encoder and decoder alike.

    Args:
        in_shape: Shape of one input.
        out_shape: Shape of one output.
        context_dim: Width of a context that is joined to the input.
        hidden: Widths of the hidden layers.
        activation: Activation, by its name in torch.nn.
        norm: Normalisation before each activation.
        init: How the weights are drawn.

    Source: Kingma & Welling, 2014, "Auto-encoding variational Bayes", app. C, arXiv:1312.6114
    """

    def __init__(
        self,
        in_shape: tuple[int, ...],
        out_shape: tuple[int, ...],
        *,
        context_dim: CountOrZero = 0,
        hidden: Sequence[Count],
        activation: Activation,
        norm: Norm,
        init: Init,
    ) -> None:
        super().__init__()
        self.out_shape = tuple(out_shape)
        layers: list[nn.Module] = []
        width = math.prod(in_shape) + context_dim
        for next_width in hidden:
            layers += _block(width, next_width, activation, norm)
            width = next_width
        self.layers = nn.Sequential(*layers, nn.Linear(width, math.prod(out_shape)))
        initialise(self, init)

    def forward(self, x: Tensor, c: Tensor | None = None) -> Tensor:
        """[N, *in_shape] and, where there is one, a context [N, context_dim] -> [N, *out_shape]."""
        out: Tensor = self.layers(joined(x, c))
        return torch.unflatten(out, 1, self.out_shape)


def _block(width: int, next_width: int, activation_name: Activation, norm_name: Norm) -> list[nn.Module]:
    return [
        nn.Linear(width, next_width),
        norm(norm_name, next_width, spatial=False),
        activation(activation_name),
    ]
