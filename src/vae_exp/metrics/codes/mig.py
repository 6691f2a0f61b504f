"""The mutual information gap."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from vae_exp.metrics.base import Stage
from vae_exp.metrics.codes.base import CodeScore
from vae_exp.metrics.codes.gap import mean_gap
from vae_exp.metrics.codes.information import codes_and_factors
from vae_exp.metrics.codes.table import tabulate
from vae_exp.types import Count, Seed


def mig(codes: Tensor, factors: Tensor, *, num_points: Count, bins: Count, seed: Seed) -> Tensor:
    """Mean over factors of the gap between the two codes that know most of it, (I_1st - I_2nd) / H(v).

    Codes are binned, by equal widths. Where a factor has more values than there are bins, no code reaches 1: copies of
    factors with 3, 6, 40, 32 and 32 values have 0.896 in 20 bins.

    Args:
        codes: [N, D].
        factors: [N, F], integers.
        num_points: Points used; all, where there are fewer.
        bins: Bins of each code.
        seed: Seed of their choice.

    Returns:
        In [0, 1].

    Raises:
        UserError: There are too few points, or no factor varies.

    Source: Chen et al., 2018, "Isolating sources of disentanglement in variational autoencoders", sec. 4,
    arXiv:1802.04942; with a histogram for their estimate, as Locatello et al., 2019, arXiv:1811.12359
    """
    information, entropies = codes_and_factors(tabulate(codes, factors), num_points=num_points, bins=bins, seed=seed)
    return mean_gap(information / entropies)


class MIG(CodeScore):
    """mig = mean over factors of (I(z_1st; v) - I(z_2nd; v)) / H(v), in [0, 1].

    Args:
        stages: When it is computed.
        num_points: Points used.
        bins: Bins of each code.
        seed: Seed of their choice.

    Source: Chen et al., 2018, "Isolating sources of disentanglement in VAEs", sec. 4, arXiv:1802.04942
    """

    def __init__(self, *, stages: Sequence[Stage], num_points: Count, bins: Count, seed: Seed) -> None:
        super().__init__(stages=stages)
        self.num_points, self.bins, self.seed = num_points, bins, seed

    def scores(self, codes: Tensor, factors: Tensor) -> dict[str, Tensor]:
        return {"mig": mig(codes, factors, num_points=self.num_points, bins=self.bins, seed=self.seed)}
