"""The encoder of Mult-VAE: fully connected layers upon a row that is scaled and thinned out."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from vae_exp.nets.initialise import Init
from vae_exp.nets.layers import Activation, Norm
from vae_exp.nets.mlp import MLP
from vae_exp.types import Count, CountOrZero, Fraction


class MultVAEEncoder(MLP):
    """MLP(dropout(x / |x|)): of long and short rows alike the direction is seen, and in training a part of it.

    |x| is the Euclidean norm; a row of zeros stays one.

    Args:
        in_shape: Shape of one input.
        out_shape: Shape of one output.
        context_dim: Width of a context that is joined to the input.
        hidden: Widths of the hidden layers.
        activation: Activation, by its name in torch.nn.
        norm: Normalisation before each activation.
        init: How the weights are drawn.
        dropout: Share of the entries that are set to 0 in training; the others are divided by what is left of 1.

    Source: Liang et al., 2018, "Variational autoencoders for collaborative filtering", sec. 4.3, arXiv:1802.05814
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
        dropout: Fraction,
    ) -> None:
        super().__init__(
            in_shape,
            out_shape,
            context_dim=context_dim,
            hidden=hidden,
            activation=activation,
            norm=norm,
            init=init,
        )
        self.dropout = dropout

    def forward(self, x: Tensor, c: Tensor | None = None) -> Tensor:
        """[N, *in_shape] and, where there is one, a context [N, context_dim] -> [N, *out_shape]."""
        row = F.normalize(x.flatten(1))
        if self.training:  # as F.dropout, whose draw takes a seventh of the whole step on a CPU
            row = row * (torch.rand_like(row) >= self.dropout) / (1 - self.dropout)
        return super().forward(row, c)
