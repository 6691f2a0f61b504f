"""The Gaussian posterior with independent dimensions."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Distribution, Independent, Normal

from vae_exp.heads.base import Posterior
from vae_exp.heads.bounds import check_bounds


class DiagNormal(Posterior):
    """q(z|x) = N(z; mu(x), diag(exp(log_var(x)))).

    Args:
        event_shape: Shape of the latent, (latent_dim,).
        min_log_var: Lower bound of the log-variance; keeps log q(z|x) finite.
        max_log_var: Upper bound of the log-variance; keeps early samples finite.

    Raises:
        ValueError: the bounds are not in order.

    Source: Kingma & Welling, 2014, "Auto-encoding variational Bayes", eq. 9, arXiv:1312.6114
    """

    params_per_dim = 2

    def __init__(self, *, event_shape: tuple[int, ...], min_log_var: float, max_log_var: float) -> None:
        super().__init__(event_shape=event_shape)
        check_bounds("log_var", min_log_var, max_log_var)
        self.min_log_var, self.max_log_var = min_log_var, max_log_var

    def forward(self, params: Tensor) -> Distribution:
        mu, log_var = self.split(params)
        # The same as clamp, whose gradient takes several operations.
        scale = torch.exp(0.5 * F.hardtanh(log_var, self.min_log_var, self.max_log_var))
        return Independent(Normal(mu, scale), self.event_ndim)
