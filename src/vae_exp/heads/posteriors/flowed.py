"""What posteriors made of a Gaussian and a map have in common."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, Normal

from vae_exp.heads.base import Posterior
from vae_exp.heads.bounds import check_bounds


class FlowedPosterior(Posterior):
    """z = f(z0; c(x)), z0 ~ N(mu(x), diag(exp(log_var(x)))); the network gives mu, log_var and c.

    Args:
        event_shape: Shape of the latent, (latent_dim,).
        extra: Size of c.
        min_log_var: Lower bound of the log-variance of z0.
        max_log_var: Upper bound of the log-variance of z0.

    Raises:
        ValueError: the latent is not a vector, or the bounds are not in order.
    """

    def __init__(self, *, event_shape: tuple[int, ...], extra: int, min_log_var: float, max_log_var: float) -> None:
        super().__init__(event_shape=event_shape)
        if self.event_ndim != 1:
            raise ValueError(f"a flow needs latents that are vectors; the latent's shape is {self.event_shape}")
        check_bounds("log_var", min_log_var, max_log_var)
        self.dim, self.extra = event_shape[0], extra
        self.min_log_var, self.max_log_var = min_log_var, max_log_var

    @property
    def params_shape(self) -> tuple[int, ...]:
        return (2 * self.dim + self.extra,)

    def forward(self, params: Tensor) -> Distribution:
        params = params.to(torch.promote_types(params.dtype, torch.float32))
        mu, log_var, c = params.split([self.dim, self.dim, self.extra], dim=-1)
        scale = torch.exp(0.5 * log_var.clamp(self.min_log_var, self.max_log_var))
        return self.flowed(Independent(Normal(mu, scale), 1), c)

    @abstractmethod
    def flowed(self, base: Distribution, c: Tensor) -> Distribution:
        """The law of f(z0; c), c [..., extra]."""
