"""The interventional robustness score."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vae_exp.metrics.base import Stage
from vae_exp.metrics.codes.base import CodeScore
from vae_exp.metrics.codes.table import chosen, tabulate
from vae_exp.types import Count, Fraction, Seed


def irs(codes: Tensor, factors: Tensor, *, num_points: Count, quantile: Fraction, seed: Seed) -> Tensor:
    """How little each code moves while the factor that it stands for keeps its value.

    Of code j and factor f, 1 - (mean over values v of the `quantile` of |z_j - E[z_j | v]|) / max |z_j - E[z_j]|; the
    best factor counts, and codes are averaged with the weights max |z_j - E[z_j]|.

    Args:
        codes: [N, D].
        factors: [N, F], integers.
        num_points: Points used; all, where there are fewer.
        quantile: Quantile of the deviations that stands for their maximum.
        seed: Seed of their choice.

    Returns:
        At most 1; it can be below 0 where codes hardly follow a factor. 0 also stands for codes of which none varies.

    Raises:
        UserError: There are too few points, or no factor varies.

    Source: Suter et al., 2019, "Robustly disentangled causal mechanisms", arXiv:1811.00007; the quantile and the
    weights of Locatello et al., 2019, arXiv:1811.12359
    """
    table = tabulate(codes, factors)
    some = chosen(len(table.codes), num_points, seed)
    z, factors = table.codes[some], table.factors[some]
    z = z[:, z.amax(0) > z.amin(0)]
    if z.shape[1] == 0:
        return torch.zeros((), dtype=torch.float64)
    farthest = (z - z.mean(0)).abs().amax(0)
    moved = torch.stack([_moved(z, v, quantile) for v in factors.unbind(1)], 1)  # [D, F]
    robust = (1 - moved / farthest[:, None]).amax(1)
    return (robust * farthest).sum() / farthest.sum()


def _moved(z: Tensor, v: Tensor, quantile: float) -> Tensor:
    """How far codes [N, D] are from their mean where a factor [N] has the same value, mean over its values; [D]."""
    groups = [z[v == value] for value in v.unique()]
    return torch.stack([(group - group.mean(0)).abs().quantile(quantile, dim=0) for group in groups]).mean(0)


class IRS(CodeScore):
    """irs = 1 - how far codes move while their factor keeps its value, relative to how far they move at all.

    Args:
        stages: When it is computed.
        num_points: Points used.
        quantile: Quantile of the deviations that stands for their maximum.
        seed: Seed of their choice.

    Source: Suter et al., 2019, "Robustly disentangled causal mechanisms", arXiv:1811.00007
    """

    def __init__(self, *, stages: Sequence[Stage], num_points: Count, quantile: Fraction, seed: Seed) -> None:
        super().__init__(stages=stages)
        self.num_points, self.quantile, self.seed = num_points, quantile, seed

    def scores(self, codes: Tensor, factors: Tensor) -> dict[str, Tensor]:
        return {"irs": irs(codes, factors, num_points=self.num_points, quantile=self.quantile, seed=self.seed)}
