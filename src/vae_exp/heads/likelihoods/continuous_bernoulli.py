"""Independent continuous Bernoulli pixels."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent

from vae_exp.distributions.continuous_bernoulli import ContinuousBernoulli
from vae_exp.heads.base import Likelihood

MOST = 100.0
"""Logit at which the mean is 0.99, and -MOST 0.01: means beyond them are kept there."""


class ContinuousBernoulliLikelihood(Likelihood):
    """p(x|z) = prod_d C(lambda_d) lambda_d^x_d (1 - lambda_d)^(1 - x_d): the cross-entropy made a density on [0, 1].

    Source: Loaiza-Ganem & Cunningham, 2019, "The continuous Bernoulli", eq. 5-7, arXiv:1907.06845
    """

    params_per_dim = 1
    discrete = False

    def forward(self, params: Tensor) -> Distribution:
        (logits,) = self.split(params)
        return Independent(ContinuousBernoulli(logits), self.event_ndim)

    def params_of_mean(self, mean: Tensor) -> Tensor:
        low, high = torch.full_like(mean, -MOST), torch.full_like(mean, MOST)
        for _ in range(40):  # halving the interval: the mean rises with the logit, and has no inverse in closed form
            middle = (low + high) / 2
            below = ContinuousBernoulli(middle, validate_args=False).mean < mean
            low, high = torch.where(below, middle, low), torch.where(below, high, middle)
        return (low + high) / 2
