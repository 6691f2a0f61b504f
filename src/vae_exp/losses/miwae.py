"""The mean of several importance-weighted bounds."""

from __future__ import annotations

from torch import Tensor

from vae_exp.losses.multi_sample import MultiSample, log_mean_exp
from vae_exp.types import Count


class MIWAE(MultiSample):
    """The mean of M importance-weighted bounds of K samples each.

    loss = -(1/M) sum_m log (1/K) sum_k w_mk

    M = 1 is `iwae` with K samples, K = 1 the ELBO with M samples. For the same M K samples a smaller K makes a looser
    bound, and an encoder's gradient with more signal to its noise.

    Args:
        num_groups: Bounds M that are averaged.
        samples_per_group: Importance samples K of each bound.

    Source: Rainforth et al., 2018, "Tighter variational bounds are not necessarily better", arXiv:1802.04537
    """

    def __init__(self, *, num_groups: Count, samples_per_group: Count) -> None:
        super().__init__()
        self.num_groups, self.num_samples = num_groups, num_groups * samples_per_group

    def bound(self, log_w: Tensor) -> Tensor:
        groups = log_w.unflatten(0, (-1, self.num_groups))  # [K, M, B]
        return -log_mean_exp(groups).mean(0)
