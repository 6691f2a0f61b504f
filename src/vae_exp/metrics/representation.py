"""What a simple reader makes of the latent means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_exp.metrics.base import Examples, OfASet, Stage
from vae_exp.types import Batch, Count, Positive

Codes = NDArray[np.float64]
Labels = NDArray[np.int64]


class Representation(OfASet):
    """linear_probe_accuracy and knn_accuracy of classes read from latent means, where there are labels.

    Fitted to training examples and scored on those of the evaluated split; latent means are scaled to the training
    examples' mean 0 and variance 1. Unlabelled examples are left out.

    Args:
        stages: When it is computed.
        num_train: Training examples, at most.
        num_examples: Scored examples, at most.
        neighbours: k of the nearest neighbours.
        inverse_penalty: C of the logistic regression: loss = C * cross-entropy (summed) + |w|^2 / 2.
        rows: Examples encoded at a time; bounds the memory.

    Source: Alain & Bengio, 2017, "Understanding intermediate layers using linear classifier probes", arXiv:1610.01644
    """

    def __init__(
        self,
        *,
        stages: Sequence[Stage],
        num_train: Count,
        num_examples: Count,
        neighbours: Count,
        inverse_penalty: Positive,
        rows: Count,
    ) -> None:
        super().__init__(stages=stages)
        self.num_train, self.num_examples, self.neighbours = num_train, num_examples, neighbours
        self.inverse_penalty, self.rows = inverse_penalty, rows

    def figures(self, stage: Stage, model: Any, examples: Examples) -> dict[str, Tensor]:
        train, scored = examples("train", self.num_train), examples(stage, self.num_examples)
        if "y" not in train or "y" not in scored:
            return {}
        if len(train["y"][train["y"] >= 0].unique()) < 2 or not (scored["y"] >= 0).any():
            return {}
        z, y = _labelled(model, train, self.rows)
        z_scored, y_scored = _labelled(model, scored, self.rows)
        mean, scale = z.mean(0), z.std(0)
        scale[scale == 0] = 1.0
        given = ((z - mean) / scale, y, (z_scored - mean) / scale, y_scored)
        found = {
            "linear_probe_accuracy": linear_probe(*given, inverse_penalty=self.inverse_penalty),
            "knn_accuracy": nearest_neighbours(*given, neighbours=min(self.neighbours, len(z))),
        }
        return {name: torch.tensor(value) for name, value in found.items()}


def linear_probe(z: Codes, y: Labels, z_scored: Codes, y_scored: Labels, *, inverse_penalty: float) -> float:
    """Accuracy of a logistic regression fitted to codes z [N, D] of classes y [N], on other codes."""
    from sklearn.linear_model import LogisticRegression  # a second that only those who probe should wait

    probe = LogisticRegression(C=inverse_penalty, max_iter=5000).fit(z, y)
    return float(probe.score(z_scored, y_scored))


def nearest_neighbours(z: Codes, y: Labels, z_scored: Codes, y_scored: Labels, *, neighbours: int) -> float:
    """Accuracy of the most frequent class among the k nearest of the codes z [N, D], on other codes."""
    from sklearn.neighbors import KNeighborsClassifier

    return float(KNeighborsClassifier(neighbours).fit(z, y).score(z_scored, y_scored))


def _labelled(model: Any, batch: Batch, rows: int) -> tuple[Codes, Labels]:
    """Latent means and classes of the labelled examples."""
    known = batch["y"] >= 0
    x, y = batch["x"][known], batch["y"][known]
    parts = zip(x.split(rows), y.split(rows), strict=True)
    z = torch.cat([model.latents({"x": part, "y": labels}) for part, labels in parts])
    return z.cpu().double().numpy(), y.cpu().numpy()
