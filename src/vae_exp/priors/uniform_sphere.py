"""The uniform prior on a sphere."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Distribution

from vae_exp.distributions.uniform_sphere import UniformSphere
from vae_exp.priors.base import Encode, Prior
from vae_exp.types import Space


class UniformSpherePrior(Prior):
    """p(z) = 1 / area of the unit sphere of R^latent_dim.

    Args:
        event_shape: Shape of the latent, (latent_dim,).
        x_shape: Not needed.

    Source: Davidson et al., 2018, "Hyperspherical variational auto-encoders", sec. 3, arXiv:1804.00891
    """

    space: Space = "sphere"
    like: Tensor

    def __init__(self, *, event_shape: tuple[int, ...], x_shape: tuple[int, ...]) -> None:
        super().__init__(event_shape=event_shape, x_shape=x_shape)
        self.register_buffer("like", torch.zeros(event_shape), persistent=False)

    def forward(self, encode: Encode) -> Distribution:
        del encode
        return UniformSphere(self.like)
