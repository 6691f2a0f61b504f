"""Convolutional networks for pictures of any size."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vae_exp.nets.chain import Chain
from vae_exp.nets.initialise import Init, initialise
from vae_exp.nets.layers import Activation, Norm, activation, joined, tail
from vae_exp.nets.pictures import ConvTranspose2d, Picture, row_of
from vae_exp.types import Count, CountOrZero


class ConvEncoder(nn.Module):
    """Convolutions of stride 2, then one hidden layer: each convolution halves the picture, odd sizes rounded down.

    Args:
        in_shape: (channels, height, width) of the picture.
        out_shape: Shape of the output.
        context_dim: Width of a context that joins the features before the fully connected layer.
        channels: Channels of each convolution.
        hidden: Width of the fully connected layer after them.
        activation: Activation, by its name in torch.nn.
        norm: Normalisation before each activation.
        init: How the weights are drawn.

    Raises:
        ValueError: the picture is too small to be halved so often.
    """

    def __init__(
        self,
        in_shape: tuple[int, ...],
        out_shape: tuple[int, ...],
        *,
        context_dim: CountOrZero = 0,
        channels: Sequence[Count],
        hidden: Count,
        activation: Activation,
        norm: Norm,
        init: Init,
    ) -> None:
        super().__init__()
        self.out_shape = tuple(out_shape)
        sizes = halvings(in_shape, len(channels))
        layers: list[nn.Module] = []
        for before, after in zip((in_shape[0], *channels), channels, strict=False):
            layers += [nn.Conv2d(before, after, 4, stride=2, padding=1), *tail(after, norm, activation, spatial=True)]
        self.convolutions = nn.Sequential(*layers)
        flat = math.prod((channels[-1], *sizes[-1])) + context_dim
        self.head = nn.Sequential(
            nn.Linear(flat, hidden), _activation(activation), nn.Linear(hidden, math.prod(out_shape))
        )
        initialise(self, init)

    def forward(self, x: Tensor, c: Tensor | None = None) -> Tensor:
        """[N, *in_shape] and, where there is one, a context [N, context_dim] -> [N, *out_shape]."""
        out: Tensor = self.head(joined(row_of(self.convolutions(x)), c))
        return torch.unflatten(out, 1, self.out_shape)


class ConvDecoder(Chain):
    """The mirror of `ConvEncoder`: one hidden layer, then transposed convolutions that double the picture.

    Args:
        in_shape: Shape of the latent.
        out_shape: (channels, height, width) of the output.
        context_dim: Width of a context that joins the latent.
        channels: Channels before each transposed convolution, from the smallest picture to the largest.
        hidden: Width of the fully connected layer.
        activation: Activation, by its name in torch.nn.
        norm: Normalisation before each activation.
        init: How the weights are drawn.

    Raises:
        ValueError: the picture is too small to be halved so often.
    """

    def __init__(
        self,
        in_shape: tuple[int, ...],
        out_shape: tuple[int, ...],
        *,
        context_dim: CountOrZero = 0,
        channels: Sequence[Count],
        hidden: Count,
        activation: Activation,
        norm: Norm,
        init: Init,
    ) -> None:
        sizes = halvings(out_shape, len(channels))[::-1]
        first = (channels[0], *sizes[0])
        width = math.prod(in_shape) + context_dim
        layers: list[nn.Module] = [nn.Linear(width, hidden), _activation(activation)]
        layers += [nn.Linear(hidden, math.prod(first)), Picture(first)]
        layers += tail(channels[0], norm, activation, spatial=True)
        for i, before in enumerate(channels):
            last = i == len(channels) - 1
            after = out_shape[0] if last else channels[i + 1]
            odd = (sizes[i + 1][0] % 2, sizes[i + 1][1] % 2)  # the row and column that halving dropped
            layers.append(ConvTranspose2d(before, after, 4, stride=2, padding=1, output_padding=odd))
            layers += [] if last else tail(after, norm, activation, spatial=True)
        super().__init__(layers, out_shape, init)


def halvings(shape: tuple[int, ...], entries: int, *, first_is_full: bool = False) -> list[tuple[int, int]]:
    """Height and width of the full picture and after each halving, odd sizes rounded down.

    Args:
        shape: (channels, height, width) of the picture.
        entries: Entries of the network's `channels`, each of which halves the picture once.
        first_is_full: Whether the first entry halves nothing, being for the full picture.

    Raises:
        ValueError: there are no entries, or a side would vanish.
    """
    if entries == 0:
        raise ValueError("channels=[]: should name at least one convolution")
    if len(shape) != 3:
        raise ValueError(f"a convolutional network needs pictures, but an example has the shape {tuple(shape)}")
    times = entries - first_is_full
    sizes = [(shape[1] >> i, shape[2] >> i) for i in range(times + 1)]
    if min(sizes[-1]) < 1:
        most = min(shape[1:]).bit_length() - 1 + first_is_full
        raise ValueError(
            f"pictures of {shape[1]}x{shape[2]} cannot be halved {times} times; use at most {most}, one for each size"
        )
    return sizes


_activation = activation  # the constructors' argument of that name hides the function
