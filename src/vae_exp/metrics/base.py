"""What every metric is, and the kind that scores each example by itself."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from vae_exp.errors import UserError
from vae_exp.types import Batch, VAEOutput

Stage = Literal["val", "test"]
Need = Literal["factors"]

MEANING: dict[Need, str] = {
    "factors": "ground-truth factors, which this data set does not have; use one that has them"
    " (data=sprites, dsprites, shapes3d, cars3d, mpi3d, smallnorb), or metrics=default",
}
"""What the user is told of what the batches lack."""


class VAEMetric(Metric):
    """Figures of a model over a data set.

    Args:
        stages: When it is computed: in validation, in the test, or both.
    """

    full_state_update = False
    needs: tuple[Need, ...] = ()  # keys that every batch must have

    def __init__(self, *, stages: Sequence[Stage]) -> None:
        super().__init__()
        self.stages = tuple(stages)

    def require(self, batch: Batch) -> None:
        """Refuse data without what the metric needs.

        Raises:
            UserError: The batch lacks it.
        """
        for need in self.needs:
            if need not in batch:
                raise UserError(f"metrics: {type(self).__name__} needs {MEANING[need]}")

    @abstractmethod
    def update(self, batch: Batch, out: VAEOutput, model: nn.Module) -> None:
        """Take in one batch and what the model made of it."""

    @abstractmethod
    def compute(self) -> dict[str, Tensor]:
        """Figures by name, numbers or vectors."""


class PerExample(VAEMetric):
    """Means over the set of scores of single examples, each with its standard error as NAME/se.

    The scores themselves are kept (4 bytes an example), so that the mean and its error are exact for any batching and
    any number of processes.
    """

    def __init__(self, *, stages: Sequence[Stage], names: Sequence[str]) -> None:
        super().__init__(stages=stages)
        self.names = tuple(names)
        for name in self.names:
            self.add_state(name, default=[], dist_reduce_fx="cat")

    @abstractmethod
    def scores(self, batch: Batch, out: VAEOutput, model: Any) -> dict[str, Tensor]:
        """One number for each example, [B], under each name that the model has a figure for."""

    def update(self, batch: Batch, out: VAEOutput, model: nn.Module) -> None:
        for name, values in self.scores(batch, out, model).items():
            getattr(self, name).append(values.detach())

    def compute(self) -> dict[str, Tensor]:
        figures = {}
        for name in self.names:
            if not len(getattr(self, name)):  # the model has no such figure
                continue
            values = dim_zero_cat(getattr(self, name)).cpu().double()
            figures[name] = values.mean()
            figures[f"{name}/se"] = standard_error(values)
        return figures


def standard_error(values: Tensor) -> Tensor:
    """Standard error of the mean of independent values [N]: std / sqrt(N); nan for one value."""
    return values.std() / len(values) ** 0.5 if len(values) > 1 else torch.tensor(float("nan"))
