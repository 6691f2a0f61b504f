"""Gaussian pixels whose scale is a number, fixed or learned for each channel."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, Normal

from vae_exp.heads.base import Likelihood
from vae_exp.types import Positive


class GaussianLikelihood(Likelihood):
    """p(x|z) = N(x; mu(z), sigma^2), sigma a constant or one learned number for each channel.

    Args:
        event_shape: Shape of x, (channels, height, width).
        scale: sigma, or where its learning starts, on the scale of the data ([0, 1]).
        learn_scale: Whether sigma is learned.
        min_log_scale: Lower bound of log sigma, approached smoothly; without it a perfect fit has infinite density.

    Source: Rybkin et al., 2021, "Simple and effective VAE training with calibrated decoders", sec. 3.1 and app. A,
        arXiv:2006.13202
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
        if learn_scale:  # the softplus below, inverted, so that learning starts at `scale`
            start = min_log_scale + math.log(math.expm1(start - min_log_scale))
        channels = (event_shape[0],) + (1,) * (len(event_shape) - 1)
        log_scale = torch.full(channels, start)
        self.learn_scale = learn_scale
        self.log_scale = nn.Parameter(log_scale) if learn_scale else nn.Buffer(log_scale)

    def forward(self, params: Tensor) -> Distribution:
        (mu,) = self.split(params)
        log_scale: Tensor = self.log_scale
        if self.learn_scale:
            log_scale = self.min_log_scale + nn.functional.softplus(log_scale - self.min_log_scale)
        return Independent(Normal(mu, log_scale.exp().expand_as(mu)), self.event_ndim)
