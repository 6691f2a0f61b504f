"""The Gaussian posterior with any covariance."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution, MultivariateNormal

import vae_exp.distributions.full_normal  # noqa: F401 - registers its KL
from vae_exp.heads.base import Posterior
from vae_exp.heads.bounds import check_bounds

_ONE = torch.Size()


class FullNormal(Posterior):
    """q(z|x) = N(z; mu(x), L(x) L(x)'), L lower triangular with diagonal exp(log_var(x) / 2).

    The network gives D means, D log-variances and the D (D - 1) / 2 entries below the diagonal, row by row.

    Args:
        event_shape: Shape of the latent, (latent_dim,).
        min_log_var: Lower bound of the log-variance on the diagonal; keeps log q(z|x) finite.
        max_log_var: Upper bound of the log-variance on the diagonal; keeps early samples finite.

    Raises:
        ValueError: the latent is not a vector, or the bounds are not in order.

    Source: Kingma & Welling, 2019, "An introduction to variational autoencoders", sec. 2.5.1, arXiv:1906.02691
    """

    rows: Tensor
    columns: Tensor

    def __init__(self, *, event_shape: tuple[int, ...], min_log_var: float, max_log_var: float) -> None:
        super().__init__(event_shape=event_shape)
        if self.event_ndim != 1:
            raise ValueError(f"the full_normal posterior is one over vectors; the latent's shape is {self.event_shape}")
        check_bounds("log_var", min_log_var, max_log_var)
        self.min_log_var, self.max_log_var = min_log_var, max_log_var
        rows, columns = torch.tril_indices(event_shape[0], event_shape[0], -1)
        self.register_buffer("rows", rows, persistent=False)
        self.register_buffer("columns", columns, persistent=False)

    @property
    def params_shape(self) -> tuple[int, ...]:
        dim = self.event_shape[0]
        return (2 * dim + dim * (dim - 1) // 2,)

    def forward(self, params: Tensor) -> Distribution:
        dim = self.event_shape[0]
        params = params.to(torch.promote_types(params.dtype, torch.float32))
        mu, log_var, below = params.split([dim, dim, len(self.rows)], dim=-1)
        scale = torch.diag_embed(torch.exp(0.5 * log_var.clamp(self.min_log_var, self.max_log_var)))
        scale[..., self.rows, self.columns] = below
        return _FullNormal(mu, scale_tril=scale)


class _FullNormal(MultivariateNormal):
    """Draws in float32 under autocast, too: where L is ill-conditioned, rounding would carry z out of the density."""

    def rsample(self, sample_shape: Any = _ONE) -> Tensor:
        with torch.autocast(self.loc.device.type, enabled=False):
            return super().rsample(sample_shape)
