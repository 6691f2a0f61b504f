"""The linear classifier that two of the scores learn."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from torch import Tensor

ITERATIONS = 200
"""Steps of the optimiser; the scores rest on ranks and on the largest output, which are settled long before."""


def logistic_regression(x: Tensor, y: Tensor) -> Callable[[Tensor], Tensor]:
    """Learn labels y [N], which are 0, 1, ..., from x [N, D], as scikit-learn does by default.

    Returns:
        x [M, D] -> probabilities [M, classes]; classes that y does not have get 0.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(max_iter=ITERATIONS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(x.numpy(), y.numpy())

    def probabilities(points: Tensor) -> Tensor:
        found = torch.zeros(len(points), int(y.max()) + 1, dtype=torch.float64)
        found[:, torch.from_numpy(model.classes_)] = torch.from_numpy(model.predict_proba(points.numpy()))
        return found

    return probabilities
