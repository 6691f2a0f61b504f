"""The score of the beta-VAE paper: how well it can be told which factor two points share."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vae_exp.metrics.base import Stage
from vae_exp.metrics.codes.base import CodeScore
from vae_exp.metrics.codes.logistic import logistic_regression
from vae_exp.metrics.codes.sharing import Groups, draw_with, drawn_factors, group
from vae_exp.metrics.codes.table import CodeTable, generator, tabulate
from vae_exp.types import Count, Seed


def beta_vae_score(
    codes: Tensor, factors: Tensor, *, num_train: Count, num_test: Count, num_pairs: Count, seed: Seed
) -> Tensor:
    """Accuracy of a linear classifier that tells from differences of codes which factor was held.

    One draw holds a factor k, chosen evenly: pairs of points share their value of k, and its feature is the mean over
    the pairs of |z - z'|, [D]. A logistic regression learns k from `num_train` draws and is scored on `num_test`.

    The paper draws new points with a shared value from the generator. Here they come from those at hand: the first
    of a pair is any point, the second any with the same value of k (the same one, where no other has it).

    Args:
        codes: [N, D].
        factors: [N, F], integers.
        num_train: Draws to learn from.
        num_test: Draws to score on.
        num_pairs: Pairs a draw.
        seed: Seed of the draws.

    Returns:
        Accuracy in [0, 1]; chance is 1/F.

    Raises:
        UserError: There are too few points, or no factor varies.

    Source: Higgins et al., 2017, "beta-VAE: learning basic visual concepts with a constrained variational framework",
    sec. 3; settings of Locatello et al., 2019, arXiv:1811.12359
    """
    table, noise = tabulate(codes, factors), generator(seed)
    groups = group(table.factors)
    if table.factors.shape[1] == 1:
        return torch.ones(())  # there is nothing to tell apart
    x, k = _draws(table, groups, num_train, num_pairs, noise)
    classify = logistic_regression(x, k)
    x, k = _draws(table, groups, num_test, num_pairs, noise)
    return (classify(x).argmax(1) == k).double().mean()


def _draws(table: CodeTable, groups: Groups, num: int, num_pairs: int, noise: torch.Generator) -> tuple[Tensor, Tensor]:
    features, held = [], []
    for k in drawn_factors(table, num, noise):
        each = k[:, None].expand(-1, num_pairs)
        first = torch.randint(len(table.codes), each.shape, generator=noise)
        second = draw_with(groups, each, table.factors[first, each], noise)
        features.append((table.codes[first] - table.codes[second]).abs().mean(1))
        held.append(k)
    return torch.cat(features), torch.cat(held)


class BetaVAEScore(CodeScore):
    """beta_vae_score = accuracy of a linear classifier of the factor that pairs of points share, in [0, 1].

    Args:
        stages: When it is computed.
        num_train: Draws to learn from.
        num_test: Draws to score on.
        num_pairs: Pairs a draw.
        seed: Seed of the draws.

    Source: Higgins et al., 2017, "beta-VAE", sec. 3
    """

    def __init__(
        self, *, stages: Sequence[Stage], num_train: Count, num_test: Count, num_pairs: Count, seed: Seed
    ) -> None:
        super().__init__(stages=stages)
        self.num_train, self.num_test, self.num_pairs, self.seed = num_train, num_test, num_pairs, seed

    def scores(self, codes: Tensor, factors: Tensor) -> dict[str, Tensor]:
        score = beta_vae_score(
            codes,
            factors,
            num_train=self.num_train,
            num_test=self.num_test,
            num_pairs=self.num_pairs,
            seed=self.seed,
        )
        return {"beta_vae_score": score}
