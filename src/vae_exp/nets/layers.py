"""Activations and normalisations by name, as torch names them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Activation = Literal["ReLU", "LeakyReLU", "ELU", "GELU", "SiLU", "Softplus", "Tanh"]
Norm = Literal["none", "batch", "layer"]


def activation(name: Activation) -> nn.Module:
    """The module of that name in torch.nn."""
    module: nn.Module = getattr(nn, name)()
    return module


def joined(x: Tensor, c: Tensor | None) -> Tensor:
    """Rows of features, [N, ...] and perhaps a context [N, C] -> [N, features + C]."""
    flat = x.flatten(1)
    return flat if c is None else torch.cat((flat, c.to(flat.dtype)), dim=1)


def row_of(picture: Tensor) -> Tensor:
    """The features of a picture pixel by pixel, [N, C, H, W] -> [N, H W C]; `Picture` is the way back.

    So they lie in memory where convolutions of a processor are fastest (channels_last), and nothing is copied then.
    """
    return picture.movedim(1, -1).flatten(1)


class Picture(nn.Module):
    """Rows of features as pictures, the way back of `row_of`.

    Args:
        shape: (channels, height, width) of a picture.
    """

    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, row: Tensor) -> Tensor:
        """[N, H W C] -> [N, C, H, W]."""
        channels, height, width = self.shape
        picture = torch.unflatten(row, 1, (height, width, channels)).movedim(-1, 1)
        # Elsewhere the kernels choose the layout, and compilers foretell it for contiguous pictures.
        return picture if row.device.type == "cpu" else picture.contiguous()


class ConvTranspose2d(nn.ConvTranspose2d):
    """torch's, its bias being added apart: within the convolution oneDNN computes its gradient by a slow loop."""

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """[N, C_in, H, W] -> [N, C_out, H', W']."""
        assert output_size is None  # the padding says it
        assert not isinstance(self.padding, str)
        out = F.conv_transpose2d(
            input, self.weight, None, self.stride, self.padding, self.output_padding, self.groups, self.dilation
        )
        return out if self.bias is None else out.add_(self.bias.to(out.dtype)[:, None, None])


def tail(width: int, norm_name: Norm, activation_name: Activation, *, spatial: bool) -> list[nn.Module]:
    """What follows a layer of `width` features or channels: its normalisation and its activation."""
    return [norm(norm_name, width, spatial=spatial), activation(activation_name)]


def norm(name: Norm, channels: int, *, spatial: bool) -> nn.Module:
    """A normalisation of `channels` features.

    Args:
        name: none, batch, or layer (over all features of one example; on pictures, a group norm of one group).
        channels: Number of features or channels.
        spatial: Whether the input is a picture [N, C, H, W] rather than a row [N, C].
    """
    if name == "none":
        return nn.Identity()
    if name == "batch":
        return nn.BatchNorm2d(channels) if spatial else nn.BatchNorm1d(channels)
    return nn.GroupNorm(1, channels) if spatial else nn.LayerNorm(channels)
