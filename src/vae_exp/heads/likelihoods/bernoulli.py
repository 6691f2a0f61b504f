"""Independent Bernoulli pixels."""

from __future__ import annotations

from torch import Tensor, logit
from torch.distributions import Bernoulli, Distribution

from vae_exp.distributions.bernoulli import Bits
from vae_exp.heads.base import Likelihood
from vae_exp.types import Values

MARGIN = 1e-3
"""How far from 0 and 1 the mean of a pixel is kept, as by Burda et al.: most corners of digits are always black."""


class BernoulliLikelihood(Likelihood):
    """p(x|z) = prod_d pi_d^x_d (1 - pi_d)^(1 - x_d), with logits from the network.

    On binary pixels this is a log-likelihood. On grey ones the same formula is the binary cross-entropy of the
    tutorials, which no density integrates to 1: its figures carry the suffix `_bce`.

    Source: Kingma & Welling, 2014, "Auto-encoding variational Bayes", app. C.1, arXiv:1312.6114
    """

    params_per_dim = 1
    discrete = True

    def forward(self, params: Tensor) -> Distribution:
        (logits,) = self.split(params)
        # Not validated: grey targets lie outside the support, and are wanted (see above).
        return Bits(Bernoulli(logits=logits, validate_args=False), self.event_ndim, validate_args=False)

    def params_of_mean(self, mean: Tensor) -> Tensor:
        return logit(mean, eps=MARGIN)

    def suffix(self, values: Values) -> str:
        return "" if values == "binary" else "_bce"
