"""Counts of which only the total is given."""

from __future__ import annotations

from torch import Tensor
from torch.distributions import Distribution

from vae_exp.distributions.multinomial import Multinomial
from vae_exp.heads.base import Likelihood
from vae_exp.types import Values

LEAST = 1e-3
"""What the mean of an entry is at least, lest one that no training example has be impossible."""


class MultinomialLikelihood(Likelihood):
    """p(x | N, z) = N! prod_i p_i^x_i / x_i!, p = softmax(logits(z)) over the whole example, N = sum_i x_i.

    N is that of the example itself, and what it costs to tell N is in none of the figures, which do not compare with
    those of pixels scored one by one. The mean of p(x|z) is p, a sample of it one count: 1 at one entry.

    Source: Liang et al., 2018, "Variational autoencoders for collaborative filtering", arXiv:1802.05814
    """

    params_per_dim = 1
    discrete = True

    def forward(self, params: Tensor) -> Distribution:
        (logits,) = self.split(params)
        return Multinomial(logits, event_ndim=self.event_ndim)

    def params_of_mean(self, mean: Tensor) -> Tensor:
        return mean.clamp_min(LEAST).log()

    def suffix(self, values: Values) -> str:
        if values != "binary":
            raise ValueError(
                "model/likelihood=multinomial scores counts, but this data has values between 0 and 1; "
                "use data.binarize=threshold, or model/likelihood=gaussian"
            )
        return ""
