"""The continuous Bernoulli distribution, exact for every logit."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints

from vae_exp.distributions.bernoulli import log_prob_of_bits

NEAR_ZERO = 0.1
"""Logits below which the series are used: their error there is 1e-12, that of the formulas in float32 1e-6."""


class ContinuousBernoulli(Distribution):
    """p(x) = C(eta) exp(eta x) / (1 + exp(eta)) on [0, 1], C(eta) = eta / tanh(eta / 2), with eta = logit(lambda).

    That of torch works with lambda, which in float32 is 1 from eta = 17 on: for the black and white pixels of a trained
    model its density integrates to less than 1 and has no gradient, and near lambda = 1/2 its gradient jumps.

    Args:
        logits: eta.

    Source: Loaiza-Ganem & Cunningham, 2019, "The continuous Bernoulli", eq. 5-8, arXiv:1907.06845
    """

    arg_constraints = {"logits": constraints.real}  # noqa: RUF012 - torch's own interface
    support = constraints.unit_interval
    has_rsample = False

    def __init__(self, logits: Tensor, *, validate_args: bool | None = None) -> None:
        self.logits = logits
        super().__init__(logits.shape, validate_args=validate_args)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density, nats."""
        if self._validate_args:
            self._validate_sample(value)
        return log_prob_of_bits(self.logits, value) + self._log_normalizer()

    @property
    def mean(self) -> Tensor:
        near, eta = self._near_zero()
        series = self.logits / 12 - self.logits**3 / 720 + self.logits**5 / 30240
        return 0.5 + torch.where(near, series, 0.5 / torch.tanh(eta / 2) - 1 / eta)

    @torch.no_grad()
    def sample(self, sample_shape: torch.Size | list[int] | tuple[int, ...] = ()) -> Tensor:
        """Draw by the inverse of the distribution function."""
        shape = self._extended_shape(torch.Size(sample_shape))
        uniform = torch.rand(shape, dtype=self.logits.dtype, device=self.logits.device)
        down = -self.logits.abs().clamp_min(1e-6)  # mirrored where the logit is positive, lest exp overflow
        x = (torch.log1p(uniform * torch.expm1(down)) / down).clamp(0.0, 1.0)
        return torch.where(self.logits > 0, 1 - x, x)

    def _log_normalizer(self) -> Tensor:
        near, eta = self._near_zero()
        square = (self.logits / 2) ** 2
        series = 0.6931471805599453 + square / 3 - 7 * square**2 / 90 + 62 * square**3 / 2835
        return torch.where(near, series, torch.log(eta / torch.tanh(eta / 2)))

    def _near_zero(self) -> tuple[Tensor, Tensor]:
        """Where the series are needed, and logits that are harmless there."""
        near = self.logits.abs() < NEAR_ZERO
        return near, torch.where(near, torch.ones_like(self.logits), self.logits)
