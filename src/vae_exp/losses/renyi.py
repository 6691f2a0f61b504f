"""The variational Renyi bound."""

from __future__ import annotations

from torch import Tensor

from vae_exp.losses.base import weight
from vae_exp.losses.multi_sample import MultiSample, log_mean_exp
from vae_exp.types import Count, NonNegative

NEAREST = 1e-3
"""How near alpha may come to 1 without being 1; nearer, single precision is lost in 1 / (1 - alpha)."""


class Renyi(MultiSample):
    """The negative variational Renyi bound, estimated with K samples.

    loss = -1/(1 - alpha) log (1/K) sum_k w_k^(1 - alpha)

    alpha = 0 is `iwae`, alpha = 1 (its limit) the ELBO with K samples; above 1 the bound is looser still.
    Negative alpha, where this is no bound on -log p(x), is not offered.

    Args:
        num_samples: Importance samples K of each example.
        alpha: Order of the divergence.

    Raises:
        ValueError: alpha is so near to 1 that the bound would be rounding errors.

    Source: Li & Turner, 2016, "Renyi divergence variational inference", arXiv:1602.02311
    """

    def __init__(self, *, num_samples: Count, alpha: NonNegative) -> None:
        super().__init__()
        if 0 < abs(1 - alpha) < NEAREST:
            raise ValueError(f"alpha={alpha} is too near to 1 to be computed; use alpha=1, or {NEAREST} away from it")
        self.num_samples, self.is_elbo, self.power = num_samples, alpha == 1, weight(1 - alpha)

    def bound(self, log_w: Tensor) -> Tensor:
        if self.is_elbo:
            return -log_w.mean(0)
        return -log_mean_exp(self.power * log_w) / self.power
