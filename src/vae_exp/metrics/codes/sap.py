"""The separated attribute predictability."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vae_exp.metrics.base import Stage
from vae_exp.metrics.codes.base import CodeScore
from vae_exp.metrics.codes.gap import mean_gap
from vae_exp.metrics.codes.svm import fit_lines
from vae_exp.metrics.codes.table import halves, tabulate
from vae_exp.types import Count, Positive, Seed


def sap(codes: Tensor, factors: Tensor, *, num_train: Count, num_test: Count, svm_c: Positive, seed: Seed) -> Tensor:
    """Mean over factors of the gap between the two codes that each predict it best by themselves.

    A code's score of a factor is the test accuracy of a linear support vector machine, one class against the others,
    with balanced class weights. A line can single out a class in the middle of the others only by chance, so that
    copies of factors with many values are far from 1.

    Args:
        codes: [N, D].
        factors: [N, F], integers.
        num_train: Points to learn from.
        num_test: Points to score on; where there are fewer, all are cut in this proportion.
        svm_c: Weight of the errors, C.
        seed: Seed of the choice of points.

    Returns:
        In [0, 1].

    Raises:
        UserError: There are too few points, or no factor varies.

    Source: Kumar et al., 2018, "Variational inference of disentangled latent concepts from unlabeled observations",
    sec. 3, arXiv:1711.00848; settings of Locatello et al., 2019, arXiv:1811.12359
    """
    train, test = halves(tabulate(codes, factors), num_train=num_train, num_test=num_test, seed=seed)
    rows = []
    for x, x_test in zip(train.codes.unbind(1), test.codes.unbind(1), strict=True):
        for y, y_test in zip(train.factors.unbind(1), test.factors.unbind(1), strict=True):
            rows.append((fit_lines(x, y, c=svm_c).classes(x_test) == y_test).double().mean())
    return mean_gap(torch.stack(rows).reshape(codes.shape[1], -1))


class SAP(CodeScore):
    """sap = mean over factors of the accuracy by its best code, less that by the second best; in [0, 1].

    Args:
        stages: When it is computed.
        num_train: Points to learn from.
        num_test: Points to score on.
        svm_c: Weight of the errors, C.
        seed: Seed of the choice of points.

    Source: Kumar et al., 2018, "Variational inference of disentangled latent concepts", sec. 3, arXiv:1711.00848
    """

    def __init__(
        self, *, stages: Sequence[Stage], num_train: Count, num_test: Count, svm_c: Positive, seed: Seed
    ) -> None:
        super().__init__(stages=stages)
        self.num_train, self.num_test, self.svm_c, self.seed = num_train, num_test, svm_c, seed

    def scores(self, codes: Tensor, factors: Tensor) -> dict[str, Tensor]:
        score = sap(codes, factors, num_train=self.num_train, num_test=self.num_test, svm_c=self.svm_c, seed=self.seed)
        return {"sap": score}
