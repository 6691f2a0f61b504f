"""Residual networks for pictures of any size."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from vae_exp.nets.chain import Chain
from vae_exp.nets.conv import halvings
from vae_exp.nets.initialise import Init, initialise
from vae_exp.nets.layers import Activation, activation, joined
from vae_exp.nets.pictures import Picture, row_of
from vae_exp.types import Count, CountOrZero

Down = Literal["pool", "stride"]
LEAST_IN_GROUP = 4


class ResNetEncoder(nn.Module):
    """Residual blocks at the full resolution, halve, blocks, halve, ..., then one linear layer.

    Args:
        in_shape: (channels, height, width) of the picture.
        out_shape: Shape of the output.
        context_dim: Width of a context that joins the features before the linear layer.
        channels: Channels at each resolution, the first of which is the full one.
        depths: Residual blocks at each resolution.
        down: How a picture is halved: by the mean of four pixels, or by a convolution of stride 2.
        groups: Groups of the normalisation, at most; they hold four channels or more, and divide them evenly.
        activation: Activation, by its name in torch.nn.
        init: How the weights are drawn.

    Raises:
        ValueError: the picture is too small, or channels and depths differ in length.

    Source: He et al., 2016, "Identity mappings in deep residual networks", fig. 1b, arXiv:1603.05027; Wu & He, 2018,
        "Group normalization", eq. 7, arXiv:1803.08494
    """

    def __init__(
        self,
        in_shape: tuple[int, ...],
        out_shape: tuple[int, ...],
        *,
        context_dim: CountOrZero = 0,
        channels: Sequence[Count],
        depths: Sequence[CountOrZero],
        down: Down,
        groups: Count,
        activation: Activation,
        init: Init,
    ) -> None:
        super().__init__()
        self.out_shape = tuple(out_shape)
        sizes = _resolutions(in_shape, channels, depths)
        layers: list[nn.Module] = [nn.Conv2d(in_shape[0], channels[0], 3, padding=1)]
        for level, blocks in enumerate(_levels(channels, depths, groups, activation)):
            if level > 0:
                layers.append(_halved(down, channels[level - 1]))
            layers += blocks
        self.layers = nn.Sequential(*layers, *_tail(channels[-1], groups, activation))
        self.head = nn.Linear(math.prod((channels[-1], *sizes[-1])) + context_dim, math.prod(out_shape))
        initialise(self, init)

    def forward(self, x: Tensor, c: Tensor | None = None) -> Tensor:
        """[N, *in_shape] and, where there is one, a context [N, context_dim] -> [N, *out_shape]."""
        return torch.unflatten(self.head(joined(row_of(self.layers(x)), c)), 1, self.out_shape)


class ResNetDecoder(Chain):
    """The mirror of `ResNetEncoder`: one linear layer, blocks, double, blocks, double, ..., blocks, one convolution.

    A picture is doubled by repeating pixels, which the following blocks smooth.

    Args:
        in_shape: Shape of the latent.
        out_shape: (channels, height, width) of the output.
        context_dim: Width of a context that joins the latent.
        channels: Channels at each resolution, the last of which is the full one.
        depths: Residual blocks at each resolution.
        groups: Groups of the normalisation, at most; they hold four channels or more, and divide them evenly.
        activation: Activation, by its name in torch.nn.
        init: How the weights are drawn.

    Raises:
        ValueError: the picture is too small, or channels and depths differ in length.

    Source: He et al., 2016, "Identity mappings in deep residual networks", fig. 1b, arXiv:1603.05027; Wu & He, 2018,
        "Group normalization", eq. 7, arXiv:1803.08494
    """

    def __init__(
        self,
        in_shape: tuple[int, ...],
        out_shape: tuple[int, ...],
        *,
        context_dim: CountOrZero = 0,
        channels: Sequence[Count],
        depths: Sequence[CountOrZero],
        groups: Count,
        activation: Activation,
        init: Init,
    ) -> None:
        sizes = _resolutions(out_shape, channels, depths)[::-1]
        first = (channels[0], *sizes[0])
        width = math.prod(in_shape) + context_dim
        layers: list[nn.Module] = [nn.Linear(width, math.prod(first)), Picture(first)]
        for level, blocks in enumerate(_levels(channels, depths, groups, activation)):
            if level > 0:
                layers.append(nn.Upsample(size=sizes[level], mode="nearest"))
            layers += blocks
        layers += [*_tail(channels[-1], groups, activation), nn.Conv2d(channels[-1], out_shape[0], 3, padding=1)]
        super().__init__(layers, out_shape, init)


class Residual(nn.Module):
    """x + f(x), f being twice a normalisation, an activation and a 3x3 convolution."""

    def __init__(self, channels: int, groups: int, activation_name: Activation) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(2):
            layers += [*_tail(channels, groups, activation_name), nn.Conv2d(channels, channels, 3, padding=1)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> the same shape."""
        out: Tensor = x + self.layers(x)
        return out


def group_norm(channels: int, groups: int) -> nn.GroupNorm:
    """A group norm of at most `groups` groups that divide the channels and hold four or more of them.

    A group of one number would be normalised to a constant, which happens where the picture is one pixel.
    """
    fitting = (g for g in range(1, groups + 1) if channels % g == 0 and channels // g >= LEAST_IN_GROUP)
    return nn.GroupNorm(max(fitting, default=1), channels)


def _levels(
    channels: Sequence[int], depths: Sequence[int], groups: int, activation_name: Activation
) -> Iterator[list[nn.Module]]:
    """Layers of each resolution: a change of channels where there is one, then the blocks."""
    before = channels[0]
    for width, depth in zip(channels, depths, strict=True):
        change: list[nn.Module] = [] if width == before else [nn.Conv2d(before, width, 1)]
        yield [*change, *(Residual(width, groups, activation_name) for _ in range(depth))]
        before = width


def _resolutions(shape: tuple[int, ...], channels: Sequence[int], depths: Sequence[int]) -> list[tuple[int, int]]:
    """Height and width at each resolution, from the full one down.

    Raises:
        ValueError: there are too many resolutions for the picture, or not as many depths as channels.
    """
    if len(channels) != len(depths):
        raise ValueError(
            f"channels={list(channels)} and depths={list(depths)} should have one entry for each resolution"
        )
    return halvings(shape, len(channels), first_is_full=True)


def _halved(down: Down, channels: int) -> nn.Module:
    if down == "pool":
        return nn.AvgPool2d(2)
    return nn.Conv2d(channels, channels, 2, stride=2)


def _tail(channels: int, groups: int, activation_name: Activation) -> list[nn.Module]:
    return [group_norm(channels, groups), activation(activation_name)]
