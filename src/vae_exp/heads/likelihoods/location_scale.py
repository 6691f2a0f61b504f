"""What likelihoods share of which the network gives the location and the scale is a number."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from vae_exp.heads.base import Likelihood
from vae_exp.types import Positive


class LocationLikelihood(Likelihood):
    """A likelihood with a location from the network and one scale for each channel, fixed or learned.

    A learned log-scale is min_log_scale + softplus(. - min_log_scale).

    Args:
        event_shape: Shape of x, (channels, height, width).
        scale: The scale, or where its learning starts, on the scale of the data ([0, 1]).
        learn_scale: Whether it is learned.
        min_log_scale: Lower bound of its logarithm, approached smoothly; without it a perfect fit has infinite density.

    Raises:
        ValueError: the scale is not above its bound.
    """

    params_per_dim = 1
    discrete = False

    def __init__(
        self, *, event_shape: tuple[int, ...], scale: Positive, learn_scale: bool, min_log_scale: float
    ) -> None:
        super().__init__(event_shape=event_shape)
        if math.log(scale) <= min_log_scale:
            raise ValueError(f"scale={scale} should be greater than exp(min_log_scale)={math.exp(min_log_scale):.3g}")
        self.min_log_scale = min_log_scale
        start = math.log(scale)
        if learn_scale:  # the softplus, inverted, so that learning starts at `scale`
            start = min_log_scale + math.log(math.expm1(start - min_log_scale))
        channels = (event_shape[0],) + (1,) * (len(event_shape) - 1)
        log_scale = torch.full(channels, start)
        self.learn_scale = learn_scale
        self.log_scale = nn.Parameter(log_scale) if learn_scale else nn.Buffer(log_scale)

    def location_and_scale(self, params: Tensor) -> tuple[Tensor, Tensor]:
        """Location and scale of each pixel, [..., *params_shape] -> [..., *event_shape] both."""
        (loc,) = self.split(params)
        log_scale: Tensor = self.log_scale
        if self.learn_scale:
            log_scale = self.min_log_scale + nn.functional.softplus(log_scale - self.min_log_scale)
        return loc, log_scale.exp().expand_as(loc)

    def params_of_mean(self, mean: Tensor) -> Tensor:
        return mean
