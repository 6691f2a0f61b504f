"""Convolutions that narrow, look around and widen again: what very deep VAEs are made of."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from vae_exp.nets.layers import Activation, activation

SMALLEST = 3
"""Side of a picture below which there is nothing around a pixel to look at."""


def bottleneck(before: int, inside: int, after: int, side: int, activation_name: Activation) -> nn.Sequential:
    """Convolutions 1x1, 3x3, 3x3 and 1x1, each after an activation; [N, before, H, W] -> [N, after, H, W].

    Args:
        before: Channels of the input.
        inside: Channels in between.
        after: Channels of the output.
        side: The shorter side of the picture; below 3 pixels all four are 1x1.
        activation_name: Activation, by its name in torch.nn.

    Source: Child, 2021, "Very deep VAEs", fig. 3, arXiv:2011.10650
    """
    kernel = 3 if side >= SMALLEST else 1
    widths, kernels = (before, inside, inside, inside, after), (1, kernel, kernel, 1)
    layers: list[nn.Module] = []
    for i, size in enumerate(kernels):
        layers += [activation(activation_name), nn.Conv2d(widths[i], widths[i + 1], size, padding=size // 2)]
    return nn.Sequential(*layers)


@torch.no_grad()
def scaled_down(layers: nn.Sequential, depth: int) -> nn.Sequential:
    """The same, its last convolution divided by sqrt(depth): the sum of so many of them does not grow with the depth.

    Source: Child, 2021, "Very deep VAEs", sec. 3.1, arXiv:2011.10650
    """
    last = layers[-1]
    assert isinstance(last, nn.Conv2d)
    last.weight.div_(math.sqrt(depth))
    assert last.bias is not None
    last.bias.zero_()
    return layers


class Added(nn.Module):
    """x + f(x)."""

    def __init__(self, layers: nn.Module) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> the same shape."""
        out: Tensor = x + self.layers(x)
        return out
