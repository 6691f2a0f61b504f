"""The posterior on a sphere."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Distribution

from vae_exp.distributions.von_mises_fisher import VonMisesFisher
from vae_exp.heads.base import Posterior
from vae_exp.heads.bounds import check_bounds
from vae_exp.types import Positive, Space


class VonMisesFisherPosterior(Posterior):
    """q(z|x) = vMF(z; mu(x), kappa(x)) on the unit sphere of R^latent_dim.

    The network gives a vector, whose direction is mu, and one number, kappa = min_kappa + softplus(number).

    Args:
        event_shape: Shape of the latent, (latent_dim,).
        min_kappa: Lower bound of the concentration; the authors have 1.
        max_kappa: Upper bound of the concentration; keeps log q(z|x) finite.

    Raises:
        ValueError: the latent is not a vector of two numbers or more, or the bounds are not in order.

    Source: Davidson et al., 2018, "Hyperspherical variational auto-encoders", arXiv:1804.00891
    """

    space: Space = "sphere"

    def __init__(self, *, event_shape: tuple[int, ...], min_kappa: Positive, max_kappa: Positive) -> None:
        super().__init__(event_shape=event_shape)
        if self.event_ndim != 1 or event_shape[0] < 2:
            raise ValueError(f"a sphere needs latent_dim of 2 or more; the latent's shape is {self.event_shape}")
        check_bounds("kappa", min_kappa, max_kappa)
        self.min_kappa, self.max_kappa = min_kappa, max_kappa

    @property
    def params_shape(self) -> tuple[int, ...]:
        return (self.event_shape[0] + 1,)

    def forward(self, params: Tensor) -> Distribution:
        params = params.to(torch.promote_types(params.dtype, torch.float32))
        direction, number = params[..., :-1], params[..., -1]
        kappa = (self.min_kappa + F.softplus(number)).clamp(max=self.max_kappa)
        return VonMisesFisher(F.normalize(direction, dim=-1), kappa)
