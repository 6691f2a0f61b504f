"""Planar flows."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Distribution

from vae_exp.distributions.flowed import Flowed
from vae_exp.heads.posteriors.flowed import FlowedPosterior
from vae_exp.types import Count


class Planar(FlowedPosterior):
    """z <- z + u tanh(w'z + b), some times over; u, w and b are given by the encoder.

    log |det| = log |1 + (1 - tanh^2) u'w|; u is moved along w so that u'w >= -1, which makes the map invertible.

    Args:
        event_shape: Shape of the latent, (latent_dim,).
        transforms: Number of planar maps.
        min_log_var: Lower bound of the log-variance at the start.
        max_log_var: Upper bound of the log-variance at the start.

    Raises:
        ValueError: the latent is not a vector, or the bounds are not in order.

    Source: Rezende & Mohamed, 2015, "Variational inference with normalizing flows", eq. 10-12 and app. A.1,
        arXiv:1505.05770
    """

    def __init__(
        self, *, event_shape: tuple[int, ...], transforms: Count, min_log_var: float, max_log_var: float
    ) -> None:
        extra = transforms * (2 * event_shape[0] + 1)
        super().__init__(event_shape=event_shape, extra=extra, min_log_var=min_log_var, max_log_var=max_log_var)
        self.transforms = transforms

    def flowed(self, base: Distribution, c: Tensor) -> Distribution:
        u, w, b = c.unflatten(-1, (self.transforms, 2 * self.dim + 1)).split([self.dim, self.dim, 1], dim=-1)
        along = (u * w).sum(-1, keepdim=True)
        length = w.square().sum(-1, keepdim=True).clamp_min(torch.finfo(w.dtype).eps)
        # The authors' softplus(x) - 1, moved so that 0 stays 0: near u = w = 0 the map then starts as the identity.
        u = u + (F.softplus(along + math.log(math.e - 1)) - 1 - along) * w / length

        def forward(z: Tensor) -> tuple[Tensor, Tensor]:
            log_det = torch.zeros_like(z[..., 0])
            for t in range(self.transforms):
                bent = torch.tanh((w[..., t, :] * z).sum(-1, keepdim=True) + b[..., t, :])
                z = z + u[..., t, :] * bent
                stretch = 1 + (1 - bent.square()) * (u[..., t, :] * w[..., t, :]).sum(-1, keepdim=True)
                log_det = log_det + stretch.squeeze(-1).abs().log()
            return z, log_det

        return Flowed(base, forward, None, name="planar")
