"""How like the data the model's own samples are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from vae_exp.metrics.base import Examples, OfASet, Stage
from vae_exp.metrics.distances import coverage_of_manifolds, frechet, kernel_distance
from vae_exp.metrics.features import OfTheData
from vae_exp.types import Count


class SampleQuality(OfASet):
    """Distances between samples and as many examples in a space of features, named after the space.

    SPACE_frechet, SPACE_kernel_distance, SPACE_precision, SPACE_recall, SPACE_density and SPACE_coverage, see
    `distances`. SPACE is `classifier` where the training examples have labels, else `pca`, see `features`: neither is
    Inception, and the distances are no FID or KID.

    Args:
        stages: When it is computed.
        num_images: Examples and samples, at most as many as the split has.
        neighbours: k of precision, recall, density and coverage.
        features: What makes the space.
        rows: Latents decoded at a time; bounds the memory.

    Source: Heusel et al., 2017, arXiv:1706.08500; Binkowski et al., 2018, arXiv:1801.01401; Kynkaanniemi et al., 2019,
        arXiv:1904.06991; Naeem et al., 2020, arXiv:2002.09797
    """

    def __init__(
        self, *, stages: Sequence[Stage], num_images: Count, neighbours: Count, features: OfTheData, rows: Count
    ) -> None:
        super().__init__(stages=stages)
        self.num_images, self.neighbours, self.features, self.rows = num_images, neighbours, features, rows

    def figures(self, stage: Stage, model: Any, examples: Examples) -> dict[str, Tensor]:
        if not model.spec.pictures:
            return {}
        space = self.features.space(examples)
        x = examples(stage, self.num_images)["x"]
        real, made = space.features(x), space.features(drawn(model, len(x), self.rows))
        found = {"frechet": frechet(real, made), "kernel_distance": kernel_distance(real, made)}
        if len(x) > self.neighbours:
            found |= coverage_of_manifolds(real, made, self.neighbours)
        return {f"{space.name}_{name}": value for name, value in found.items()}


def drawn(model: Any, num: int, rows: int) -> Tensor:
    """Pictures of a model as they are compared with data, [num, *x_shape] in [0, 1].

    Means of p(x|z) at draws of the prior; draws of p(x|z) where pixels are 0 or 1 to the likelihood as to the data,
    since a mean is grey and no such picture is in the data.
    """
    binary = model.spec.values == "binary" and model.likelihood.discrete
    parts = (model.sample(min(rows, num - start)) for start in range(0, num, rows))
    return torch.cat([p_x.sample() if binary else p_x.mean.clamp(0, 1) for p_x in parts])
