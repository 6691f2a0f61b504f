"""Independent continuous Bernoulli pixels."""

from __future__ import annotations

from torch import Tensor
from torch.distributions import Distribution, Independent

from vae_exp.distributions.continuous_bernoulli import ContinuousBernoulli
from vae_exp.heads.base import Likelihood


class ContinuousBernoulliLikelihood(Likelihood):
    """p(x|z) = prod_d C(lambda_d) lambda_d^x_d (1 - lambda_d)^(1 - x_d): the cross-entropy made a density on [0, 1].

    Source: Loaiza-Ganem & Cunningham, 2019, "The continuous Bernoulli", eq. 5-7, arXiv:1907.06845
    """

    params_per_dim = 1
    discrete = False

    def forward(self, params: Tensor) -> Distribution:
        (logits,) = self.split(params)
        return Independent(ContinuousBernoulli(logits), self.event_ndim)
