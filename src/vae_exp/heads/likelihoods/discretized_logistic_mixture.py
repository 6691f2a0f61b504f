"""Mixtures of logistics on discrete levels, with colours conditioned on each other."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Distribution

from vae_exp.distributions.discretized_logistic_mixture import DiscretizedLogisticMixture
from vae_exp.heads.base import Likelihood
from vae_exp.heads.bounds import check_bounds
from vae_exp.heads.likelihoods.levels import check_levels
from vae_exp.types import Count, Values


class DiscretizedLogisticMixtureLikelihood(Likelihood):
    """p(x|z) = prod over pixels of a mixture of logistics, integrated over each level; see the distribution.

    For each pixel and component the network gives a weight, C locations, C log-scales and C (C-1) / 2 coefficients
    (through tanh) by which a colour's location depends on the colours before it.

    Args:
        event_shape: Shape of x, (channels, height, width).
        num_components: Number of logistics in the mixture.
        levels: Number of levels of a pixel; 256 for 8 bits.
        min_log_scale: Lower bound of the log-scale.
        max_log_scale: Upper bound of the log-scale.

    Raises:
        ValueError: x is no picture, fewer than two levels, or bounds that are not in order.

    Source: Salimans et al., 2017, "PixelCNN++", sec. 2.1-2.2, eq. 1-3, arXiv:1701.05517
    """

    discrete = True

    def __init__(
        self,
        *,
        event_shape: tuple[int, ...],
        num_components: Count,
        levels: Count,
        min_log_scale: float,
        max_log_scale: float,
    ) -> None:
        super().__init__(event_shape=event_shape)
        if len(event_shape) != 3:
            raise ValueError(
                f"model/likelihood=discretized_logistic_mixture needs pictures, but an example has the shape "
                f"{tuple(event_shape)}; use model/likelihood=discretized_logistic"
            )
        if levels < 2:
            raise ValueError(f"levels={levels} should be at least 2")
        check_bounds("log_scale", min_log_scale, max_log_scale)
        self.num_components, self.levels = num_components, levels
        self.min_log_scale, self.max_log_scale = min_log_scale, max_log_scale
        colours = event_shape[0]
        self.parts = (1, colours, colours, colours * (colours - 1) // 2)

    @property
    def params_shape(self) -> tuple[int, ...]:
        """For each component, and each pixel: weight, locations, log-scales, coefficients."""
        return (self.num_components * sum(self.parts), *self.event_shape[1:])

    def forward(self, params: Tensor) -> Distribution:
        params = params.to(torch.promote_types(params.dtype, torch.float32))
        by_component = params.unflatten(-3, (self.num_components, sum(self.parts)))
        logits, loc, log_scale, coefficients = by_component.split(self.parts, dim=-3)
        # A network starts near 0; half of the data's range is where pixels are, and a tenth of it how far they spread.
        log_scale = (log_scale - 2.0).clamp(self.min_log_scale, self.max_log_scale)
        return DiscretizedLogisticMixture(
            logits[..., 0, :, :], loc + 0.5, log_scale, torch.tanh(coefficients), levels=self.levels
        )

    def params_of_mean(self, mean: Tensor) -> Tensor:
        weight, _, log_scale, coefficients = (mean.new_zeros(part, *mean.shape[1:]) for part in self.parts)
        return torch.cat((weight, mean - 0.5, log_scale, coefficients)).repeat(self.num_components, 1, 1)

    def suffix(self, values: Values) -> str:
        check_levels("discretized_logistic_mixture", self.levels, values)
        return ""
