"""Activations and normalisations by name, as torch names them."""

from __future__ import annotations

from typing import Literal

import torch
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
