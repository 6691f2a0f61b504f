"""The score of the FactorVAE paper: how often the code that varies least tells which factor is held."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import torch
from annotated_types import Ge
from torch import Tensor

from vae_exp.metrics.base import Stage
from vae_exp.metrics.codes.base import CodeScore
from vae_exp.metrics.codes.sharing import Groups, draw_with, drawn_factors, group
from vae_exp.metrics.codes.table import CodeTable, generator, tabulate
from vae_exp.types import Count, NonNegative, Seed


def factor_vae_score(
    codes: Tensor,
    factors: Tensor,
    *,
    num_train: Count,
    num_test: Count,
    batch_size: Annotated[int, Ge(2)],
    min_std: NonNegative,
    seed: Seed,
) -> Tensor:
    """Accuracy of a majority vote of the code that varies least, relative to its variance, where a factor is held.

    One draw holds a factor k, chosen evenly, at a value: its code is argmin_j Var(z_j | value) / Var(z_j), over
    `batch_size` points with that value. Each code votes for the factor that it stood for most often in `num_train`
    draws; the score is how often it is right in `num_test` others.

    The paper draws new points with a shared value from the generator. Here they come from those at hand, with
    repetition: any point gives the value, the batch is of those that have it.

    Args:
        codes: [N, D].
        factors: [N, F], integers.
        num_train: Draws that vote.
        num_test: Draws to score on.
        batch_size: Points a draw, of which a variance is taken.
        min_std: Codes with a smaller standard deviation over all points take no part.
        seed: Seed of the draws.

    Returns:
        Accuracy in [0, 1]; chance is about 1/F, and 0 stands for codes of which none varies.

    Raises:
        UserError: There are too few points, or no factor varies.

    Source: Kim & Mnih, 2018, "Disentangling by factorising", sec. 4, arXiv:1802.05983; min_std and other settings of
    Locatello et al., 2019, arXiv:1811.12359
    """
    table, noise = tabulate(codes, factors), generator(seed)
    groups = group(table.factors)
    std = table.codes.std(0)
    active = (std >= min_std) & (table.codes.amax(0) > table.codes.amin(0))
    if not active.any():
        return torch.zeros((), dtype=torch.float64)
    scaled = CodeTable(table.codes[:, active] / std[active], table.factors)
    votes, wins = (_votes(scaled, groups, num, batch_size, noise) for num in (num_train, num_test))
    return wins[torch.arange(len(wins)), votes.argmax(1)].sum() / num_test


def _votes(table: CodeTable, groups: Groups, num: int, batch_size: int, noise: torch.Generator) -> Tensor:
    """How often each code varies least where a factor is held, [D, F]."""
    votes = torch.zeros(table.codes.shape[1], table.factors.shape[1], dtype=torch.float64)
    for k in drawn_factors(table, num, noise):
        value = table.factors[torch.randint(len(table.codes), k.shape, generator=noise), k]
        held, shared = (each[:, None].expand(-1, batch_size) for each in (k, value))
        least = table.codes[draw_with(groups, held, shared, noise)].var(1).argmin(1)
        votes.index_put_((least, k), torch.ones(len(k), dtype=torch.float64), accumulate=True)
    return votes


class FactorVAEScore(CodeScore):
    """factor_vae_score = accuracy of a majority vote of the code that varies least where a factor is held, in [0, 1].

    Args:
        stages: When it is computed.
        num_train: Draws that vote.
        num_test: Draws to score on.
        batch_size: Points a draw.
        min_std: Codes with a smaller standard deviation take no part.
        seed: Seed of the draws.

    Source: Kim & Mnih, 2018, "Disentangling by factorising", sec. 4, arXiv:1802.05983
    """

    def __init__(
        self,
        *,
        stages: Sequence[Stage],
        num_train: Count,
        num_test: Count,
        batch_size: Annotated[int, Ge(2)],
        min_std: NonNegative,
        seed: Seed,
    ) -> None:
        super().__init__(stages=stages)
        self.num_train, self.num_test, self.batch_size = num_train, num_test, batch_size
        self.min_std, self.seed = min_std, seed

    def scores(self, codes: Tensor, factors: Tensor) -> dict[str, Tensor]:
        score = factor_vae_score(
            codes,
            factors,
            num_train=self.num_train,
            num_test=self.num_test,
            batch_size=self.batch_size,
            min_std=self.min_std,
            seed=self.seed,
        )
        return {"factor_vae_score": score}
