"""Gaussian pixels with the scale that maximises the likelihood of the batch."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, Normal, constraints

from vae_exp.heads.base import Likelihood
from vae_exp.types import Fraction


class OptimalSigmaGaussian(Likelihood):
    """p(x|z) = N(x; mu(z), sigma*^2) with sigma*^2 = mean over the batch of (x - mu)^2, one number for all pixels.

    In training sigma* is that of the batch at hand, and a running average of sigma*^2 is kept; in evaluation sigma is
    the running average, since a likelihood may not look at what it scores.

    Args:
        event_shape: Shape of x, (channels, height, width).
        momentum: Share of the old value in the running average, in [0, 1); until it has seen 1 / (1 - momentum)
            batches, it is their plain mean.
        min_log_scale: Lower bound of log sigma.

    Source: Rybkin et al., 2021, "Simple and effective VAE training with calibrated decoders", sec. 3.2,
        arXiv:2006.13202
    """

    params_per_dim = 1
    discrete = False
    of_the_batch = True
    variance: Tensor
    batches: Tensor

    def __init__(self, *, event_shape: tuple[int, ...], momentum: Fraction, min_log_scale: float) -> None:
        super().__init__(event_shape=event_shape)
        self.momentum, self.min_variance = momentum, math.exp(2 * min_log_scale)
        self.register_buffer("variance", torch.ones(()))
        self.register_buffer("batches", torch.zeros(()))

    def forward(self, params: Tensor) -> Distribution:
        (mu,) = self.split(params)
        if self.training:
            return Independent(_BatchOptimalNormal(mu, self), self.event_ndim)
        return Independent(Normal(mu, self.variance.sqrt().expand_as(mu)), self.event_ndim)

    def params_of_mean(self, mean: Tensor) -> Tensor:
        return mean

    def observe(self, squared_error: Tensor) -> Tensor:
        """sigma*^2 of this batch.

        Its gradient is 0 where the loss is a mean of log p(x|z), which sigma* maximises, and not in bounds of several
        samples, which weigh them.
        """
        variance = squared_error.mean().clamp_min(self.min_variance)
        with torch.no_grad():
            self.batches += 1
            weight = (1 / self.batches).clamp_min(1 - self.momentum)
            self.variance.lerp_(variance.to(self.variance.dtype), weight)
        return variance


class _BatchOptimalNormal(Distribution):
    """A normal distribution that learns its scale from the first batch that it scores."""

    arg_constraints = {"mean": constraints.real}  # noqa: RUF012 - torch's own interface
    support = constraints.real

    def __init__(self, mean: Tensor, head: OptimalSigmaGaussian) -> None:
        self._mean, self._head = mean, head
        super().__init__(mean.shape)

    @property
    def mean(self) -> Tensor:
        return self._mean

    def log_prob(self, value: Tensor) -> Tensor:
        squared_error = (value - self._mean) ** 2
        variance = self._head.observe(squared_error)
        return -0.5 * (squared_error / variance + torch.log(2 * math.pi * variance))

    @torch.no_grad()
    def sample(self, sample_shape: torch.Size | list[int] | tuple[int, ...] = ()) -> Tensor:
        shape = self._extended_shape(torch.Size(sample_shape))
        return torch.normal(self._mean.expand(shape), self._head.variance.sqrt().expand(shape))
