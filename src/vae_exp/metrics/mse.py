"""The error of the mean reconstruction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from vae_exp.metrics.base import PerExample, Stage
from vae_exp.types import Batch, VAEOutput


class MeanSquaredError(PerExample):
    """mse = mean over pixels of (x - x')^2, with x' the mean of p(x|z) at the mean of q(z|x); data in [0, 1]."""

    def __init__(self, *, stages: Sequence[Stage]) -> None:
        super().__init__(stages=stages, names=("mse",))

    def scores(self, batch: Batch, out: VAEOutput, model: Any) -> dict[str, Tensor]:
        reconstruction = model.reconstruct(batch).mean
        return {"mse": (batch.get("target", batch["x"]) - reconstruction).square().flatten(1).mean(1)}
