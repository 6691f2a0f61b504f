"""One layer, with which a VAE with Gaussian pixels is probabilistic PCA."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from vae_exp.nets.initialise import Init, initialise
from vae_exp.nets.layers import joined
from vae_exp.types import CountOrZero


class Linear(nn.Module):
    """y = W x + b between any two shapes; encoder and decoder alike.

    Args:
        in_shape: Shape of one input.
        out_shape: Shape of one output.
        context_dim: Width of a context that is joined to the input.
        init: How the weights are drawn.

    Source: Lucas et al., 2019, "Don't blame the ELBO! A linear VAE perspective on posterior collapse", eq. 6-7,
        arXiv:1911.02469
    """

    def __init__(
        self, in_shape: tuple[int, ...], out_shape: tuple[int, ...], *, context_dim: CountOrZero = 0, init: Init
    ) -> None:
        super().__init__()
        self.out_shape = tuple(out_shape)
        self.layer = nn.Linear(math.prod(in_shape) + context_dim, math.prod(out_shape))
        initialise(self, init)

    def forward(self, x: Tensor, c: Tensor | None = None) -> Tensor:
        """[N, *in_shape] and, where there is one, a context [N, context_dim] -> [N, *out_shape]."""
        return torch.unflatten(self.layer(joined(x, c)), 1, self.out_shape)
