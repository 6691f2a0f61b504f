"""Modularity, of the codes, and explicitness, of all codes together."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vae_exp.metrics.base import Stage
from vae_exp.metrics.codes.base import CodeScore
from vae_exp.metrics.codes.information import codes_and_factors
from vae_exp.metrics.codes.logistic import logistic_regression
from vae_exp.metrics.codes.table import halves, tabulate
from vae_exp.types import Count, Seed


def modularity(codes: Tensor, factors: Tensor, *, num_points: Count, bins: Count, seed: Seed) -> Tensor:
    """Mean over codes of 1 - (sum_f I_f^2 - max_f I_f^2) / (max_f I_f^2 (F - 1)): whether each tells of one factor.

    I_f is the mutual information of the binned code with factor f. A code without any counts 0. Noise is not without:
    what little it has by chance is spread unevenly, and random codes reach 0.65 of 5 factors.

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

    Source: Ridgeway & Mozer, 2018, "Learning deep disentangled embeddings with the F-statistic loss",
    arXiv:1802.05312; with bins of equal width, as Locatello et al., 2019, arXiv:1811.12359
    """
    information, _ = codes_and_factors(tabulate(codes, factors), num_points=num_points, bins=bins, seed=seed)
    return modularity_of(information)


def modularity_of(information: Tensor) -> Tensor:
    """The score of mutual informations [D, F]."""
    squares = information.square()
    most = squares.amax(1)
    others = (squares.sum(1) - most) / (most * max(squares.shape[1] - 1, 1))
    return torch.where(most > 0, 1 - others, 0.0).mean()


def explicitness(codes: Tensor, factors: Tensor, *, num_train: Count, num_test: Count, seed: Seed) -> Tensor:
    """Mean over factors, and over their values, of the area under the ROC curve of a linear classifier of the value.

    The classifier is a logistic regression on all codes; the area, 1/2 by chance, is that of one value against the
    others, on points that it has not seen.

    Args:
        codes: [N, D].
        factors: [N, F], integers.
        num_train: Points to learn from.
        num_test: Points to score on; where there are fewer, all are cut in this proportion.
        seed: Seed of the choice of points.

    Returns:
        In [0, 1].

    Raises:
        UserError: There are too few points, or no factor varies.

    Source: Ridgeway & Mozer, 2018, "Learning deep disentangled embeddings with the F-statistic loss",
    arXiv:1802.05312; settings of Locatello et al., 2019, arXiv:1811.12359
    """
    train, test = halves(tabulate(codes, factors), num_train=num_train, num_test=num_test, seed=seed)
    areas = []
    for y, y_test in zip(train.factors.unbind(1), test.factors.unbind(1), strict=True):
        probabilities = logistic_regression(train.codes, y)(test.codes)
        values = [value for value in y.unique().tolist() if (y_test == value).any()]
        areas.append(torch.stack([area_under_roc(probabilities[:, v], y_test == v) for v in values]).mean())
    return torch.stack(areas).mean()


def area_under_roc(score: Tensor, positive: Tensor) -> Tensor:
    """P(score of a positive > score of a negative) + P(equal) / 2, of score [N] and positive [N] bool."""
    _, place, count = score.unique(return_inverse=True, return_counts=True)
    rank = count.cumsum(0) - (count - 1) / 2  # of ties, their mean
    num = positive.sum()
    area: Tensor = (rank[place][positive].sum() - num * (num + 1) / 2) / (num * (len(score) - num)).double()
    return area


class ModularityExplicitness(CodeScore):
    """modularity: whether each code tells of one factor; explicitness: whether a linear classifier finds each factor.

    Args:
        stages: When it is computed.
        num_train: Points whose information is measured, and points to learn from.
        num_test: Points to score explicitness on.
        bins: Bins of each code.
        seed: Seed of the choice of points.

    Source: Ridgeway & Mozer, 2018, "Learning deep disentangled embeddings with the F-statistic loss", arXiv:1802.05312
    """

    def __init__(self, *, stages: Sequence[Stage], num_train: Count, num_test: Count, bins: Count, seed: Seed) -> None:
        super().__init__(stages=stages)
        self.num_train, self.num_test, self.bins, self.seed = num_train, num_test, bins, seed

    def scores(self, codes: Tensor, factors: Tensor) -> dict[str, Tensor]:
        seed, num_train, num_test = self.seed, self.num_train, self.num_test
        return {
            "modularity": modularity(codes, factors, num_points=num_train, bins=self.bins, seed=seed),
            "explicitness": explicitness(codes, factors, num_train=num_train, num_test=num_test, seed=seed),
        }
