"""The Laplace prior with independent dimensions."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, Laplace

import vae_exp.distributions.laplace  # noqa: F401 - registers the KL of a normal posterior
from vae_exp.priors.base import Encode, Prior
from vae_exp.types import Positive


class LaplacePrior(Prior):
    """p(z) = prod_j Laplace(z_j; 0, scale), of variance 2 scale^2: a sparse code, and one with axes.

    Args:
        event_shape: Shape of the latent, (latent_dim,).
        x_shape: Not needed.
        scale: Mean of |z_j|.

    Source: Mathieu et al., 2019, "Disentangling disentanglement in variational autoencoders", sec. 5 (sparse and
        factorised priors), arXiv:1812.02833
    """

    loc: Tensor
    scale: Tensor

    def __init__(self, *, event_shape: tuple[int, ...], x_shape: tuple[int, ...], scale: Positive) -> None:
        super().__init__(event_shape=event_shape, x_shape=x_shape)
        self.register_buffer("loc", torch.zeros(event_shape), persistent=False)
        self.register_buffer("scale", torch.full(event_shape, float(scale)), persistent=False)

    def forward(self, encode: Encode) -> Distribution:
        del encode
        return Independent(Laplace(self.loc, self.scale), len(self.event_shape))
