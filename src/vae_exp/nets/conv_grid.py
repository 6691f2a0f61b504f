"""Convolutional networks between pictures and a grid of latents, without a layer that mixes its places."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor, nn

from vae_exp.nets.conv import halvings
from vae_exp.nets.initialise import Init, initialise
from vae_exp.nets.layers import Activation, activation
from vae_exp.nets.pictures import ConvTranspose2d
from vae_exp.nets.resnet import Residual
from vae_exp.types import Count, CountOrZero


class ConvGridEncoder(nn.Module):
    """Convolutions of stride 2, residual blocks, and one number of the output at a place from what is around it.

    The output is a picture made flat, channels first: 147 numbers of a 28x28 picture that was halved twice are three
    channels of 7x7. Latents of it have places, as codes should.

    Args:
        in_shape: (channels, height, width) of the picture.
        out_shape: Shape of the output, whose size is a multiple of the grid's.
        channels: Channels of each convolution.
        depth: Residual blocks on the grid.
        groups: Groups of their normalisation, at most.
        activation: Activation, by its name in torch.nn.
        init: How the weights are drawn.

    Raises:
        ValueError: the picture is too small to be halved so often, or the output does not divide into places.

    Source: van den Oord et al., 2017, "Neural discrete representation learning", sec. 4.1, arXiv:1711.00937
    """

    def __init__(
        self,
        in_shape: tuple[int, ...],
        out_shape: tuple[int, ...],
        *,
        channels: Sequence[Count],
        depth: CountOrZero,
        groups: Count,
        activation: Activation,
        init: Init,
    ) -> None:
        super().__init__()
        self.out_shape = tuple(out_shape)
        numbers = _numbers_of_a_place(out_shape, halvings(in_shape, len(channels))[-1])
        layers: list[nn.Module] = []
        for before, after in zip((in_shape[0], *channels), channels, strict=False):
            layers += [nn.Conv2d(before, after, 4, stride=2, padding=1), _activation(activation)]
        layers += [Residual(channels[-1], groups, activation) for _ in range(depth)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(channels[-1], numbers, 1))
        initialise(self, init)

    def forward(self, x: Tensor) -> Tensor:
        """[N, *in_shape] -> [N, *out_shape]."""
        out: Tensor = self.layers(x)
        return out.reshape(len(x), *self.out_shape)


class ConvGridDecoder(nn.Module):
    """The mirror of `ConvGridEncoder`: residual blocks on the grid, then transposed convolutions that double it.

    Args:
        in_shape: Shape of the latent, whose size is a multiple of the grid's.
        out_shape: (channels, height, width) of the output.
        channels: Channels before each transposed convolution, from the grid up.
        depth: Residual blocks on the grid.
        groups: Groups of their normalisation, at most.
        activation: Activation, by its name in torch.nn.
        init: How the weights are drawn.

    Raises:
        ValueError: the picture is too small to be halved so often, or the latent does not divide into places.

    Source: van den Oord et al., 2017, "Neural discrete representation learning", sec. 4.1, arXiv:1711.00937
    """

    def __init__(
        self,
        in_shape: tuple[int, ...],
        out_shape: tuple[int, ...],
        *,
        channels: Sequence[Count],
        depth: CountOrZero,
        groups: Count,
        activation: Activation,
        init: Init,
    ) -> None:
        super().__init__()
        sizes = halvings(out_shape, len(channels))[::-1]
        self.grid = (_numbers_of_a_place(in_shape, sizes[0]), *sizes[0])
        layers: list[nn.Module] = [nn.Conv2d(self.grid[0], channels[0], 3, padding=1)]
        layers += [Residual(channels[0], groups, activation) for _ in range(depth)]
        for i, before in enumerate(channels):
            after = out_shape[0] if i == len(channels) - 1 else channels[i + 1]
            odd = (sizes[i + 1][0] % 2, sizes[i + 1][1] % 2)  # the row and column that halving dropped
            layers += [_activation(activation), ConvTranspose2d(before, after, 4, 2, padding=1, output_padding=odd)]
        self.layers = nn.Sequential(*layers)
        initialise(self, init)

    def forward(self, z: Tensor) -> Tensor:
        """[N, *in_shape] -> [N, *out_shape]."""
        out: Tensor = self.layers(z.reshape(len(z), *self.grid))
        return out


def _numbers_of_a_place(shape: tuple[int, ...], grid: tuple[int, int]) -> int:
    """How many numbers of a shape each place of a grid has.

    Raises:
        ValueError: they do not divide.
    """
    places, size = math.prod(grid), math.prod(shape)
    if size % places:
        raise ValueError(
            f"{size} numbers do not divide into a grid of {grid[0]}x{grid[1]}; choose model.latent_dim as a multiple "
            f"of {places}, or another number of channels entries, each of which halves the picture"
        )
    return size // places


_activation = activation  # the constructors' argument of that name hides the function
