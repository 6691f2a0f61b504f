"""Fully connected networks."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import nn

from vae_exp.nets.chain import Chain
from vae_exp.nets.initialise import Init
from vae_exp.nets.layers import Activation, Norm, tail
from vae_exp.types import Count, CountOrZero


class MLP(Chain):
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
        widths = (math.prod(in_shape) + context_dim, *hidden)
        layers: list[nn.Module] = []
        for before, after in zip(widths, hidden, strict=False):
            layers += [nn.Linear(before, after), *tail(after, norm, activation, spatial=False)]
        super().__init__([*layers, nn.Linear(widths[-1], math.prod(out_shape))], out_shape, init)
