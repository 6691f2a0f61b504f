"""The Laplace posterior with independent dimensions."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, Laplace

from vae_exp.heads.base import Posterior
from vae_exp.heads.bounds import check_bounds


class LaplacePosterior(Posterior):
    """q(z|x) = prod_j Laplace(z_j; loc_j(x), exp(log_scale_j(x))), whose variance is 2 exp(2 log_scale).

    Its KL is in closed form against a Laplace and against a normal prior.

    Args:
        event_shape: Shape of the latent, (latent_dim,).
        min_log_scale: Lower bound of the log-scale; keeps log q(z|x) finite.
        max_log_scale: Upper bound of the log-scale; keeps early samples finite.

    Raises:
        ValueError: the bounds are not in order.

    Source: Kingma & Welling, 2014, "Auto-encoding variational Bayes", sec. 2.4 (location-scale families),
        arXiv:1312.6114
    """

    params_per_dim = 2

    def __init__(self, *, event_shape: tuple[int, ...], min_log_scale: float, max_log_scale: float) -> None:
        super().__init__(event_shape=event_shape)
        check_bounds("log_scale", min_log_scale, max_log_scale)
        self.min_log_scale, self.max_log_scale = min_log_scale, max_log_scale

    def forward(self, params: Tensor) -> Distribution:
        loc, log_scale = self.split(params)
        scale = torch.exp(log_scale.clamp(self.min_log_scale, self.max_log_scale))
        return Independent(Laplace(loc, scale), self.event_ndim)
