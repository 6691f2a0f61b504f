"""Logistic pixels on discrete levels."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent

from vae_exp.distributions.discretized_logistic import DiscretizedLogistic
from vae_exp.heads.base import Likelihood
from vae_exp.heads.bounds import check_bounds
from vae_exp.heads.likelihoods.levels import check_levels
from vae_exp.types import Count, Values


class DiscretizedLogisticLikelihood(Likelihood):
    """p(x|z) = prod_d P(x_d), a logistic of location and scale from the network, integrated over each level.

    Args:
        event_shape: Shape of x, (channels, height, width).
        levels: Number of levels of a pixel; 256 for 8 bits.
        min_log_scale: Lower bound of the log-scale, as IAF and PixelCNN++ have it.
        max_log_scale: Upper bound of the log-scale.

    Raises:
        ValueError: fewer than two levels, or bounds that are not in order.

    Source: Kingma et al., 2016, "Improving variational inference with inverse autoregressive flow", app. C,
        arXiv:1606.04934
    """

    params_per_dim = 2
    discrete = True

    def __init__(
        self, *, event_shape: tuple[int, ...], levels: Count, min_log_scale: float, max_log_scale: float
    ) -> None:
        super().__init__(event_shape=event_shape)
        if levels < 2:
            raise ValueError(f"levels={levels} should be at least 2")
        check_bounds("log_scale", min_log_scale, max_log_scale)
        self.levels, self.min_log_scale, self.max_log_scale = levels, min_log_scale, max_log_scale

    def forward(self, params: Tensor) -> Distribution:
        loc, log_scale = self.split(params)
        # A network starts near 0; half of the data's range is where pixels are, and a tenth of it how far they spread.
        log_scale = (log_scale - 2.0).clamp(self.min_log_scale, self.max_log_scale)
        return Independent(DiscretizedLogistic(loc + 0.5, log_scale, levels=self.levels), self.event_ndim)

    def params_of_mean(self, mean: Tensor) -> Tensor:
        return torch.cat((mean - 0.5, torch.zeros_like(mean)))

    def suffix(self, values: Values) -> str:
        check_levels("discretized_logistic", self.levels, values)
        return ""
