"""What every metric is, and two kinds: scores of single examples, and figures of a set taken as a whole."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from vae_exp.data.splits import SplitName
from vae_exp.errors import UserError
from vae_exp.types import Batch, VAEOutput

Stage = Literal["val", "test"]
Need = Literal["factors", "target"]

MEANING: dict[Need, str] = {
    "factors": "ground-truth factors, which this data set does not have; use one that has them, such as data=sprites,"
    " or metrics=default",
    "target": "held-out items, which this data set does not have; use one of users and items, such as"
    " data=synthetic_interactions, or metrics=default",
}
"""What the user is told of what the batches lack."""
Examples = Callable[[SplitName, int], Batch]
"""The first n prepared examples of a split, or all where it has fewer, on the model's device."""


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

    def begin(self, stage: Stage, model: nn.Module, examples: Examples) -> None:
        """Take in what no batch brings, at the start of an evaluation: other splits, the model's own samples.

        Called in every process with the same random state, which is put back afterwards; without gradients, which can
        be enabled.
        """
        del stage, model, examples

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
            if values.ndim != 1:
                raise UserError(
                    f"metrics: {type(self).__name__} gives {name} the shape {list(values.shape)}, where one number for "
                    "each example should be"
                )
            getattr(self, name).append(values.detach())

    def compute(self) -> dict[str, Tensor]:
        figures: dict[str, Tensor] = {}
        for name in self.names:
            if not len(getattr(self, name)):  # the model has no such figure
                continue
            values = dim_zero_cat(getattr(self, name))
            if len(values):  # some example has a score, such as a label to be compared with
                figures |= with_error(name, values)
        return figures


class OfASet(VAEMetric):
    """Figures of the first examples of a split, taken as a whole.

    All processes compute them of the same examples with the same noise, so that their number does not matter.
    """

    def __init__(self, *, stages: Sequence[Stage]) -> None:
        super().__init__(stages=stages)
        self._found: dict[str, Tensor] = {}

    @abstractmethod
    def figures(self, stage: Stage, model: Any, examples: Examples) -> dict[str, Tensor]:
        """Figures by name; none where the model or the data have no such figures."""

    def begin(self, stage: Stage, model: nn.Module, examples: Examples) -> None:
        found = self.figures(stage, model, examples)
        self._found = {name: torch.as_tensor(value).detach().cpu().double() for name, value in found.items()}

    def update(self, batch: Batch, out: VAEOutput, model: nn.Module) -> None:
        del batch, out, model

    def compute(self) -> dict[str, Tensor]:
        return dict(self._found)


def with_error(name: str, values: Tensor) -> dict[str, Tensor]:
    """The mean of independent values [N] under a name, and its standard error as NAME/se."""
    values = values.cpu().double()
    return {name: values.mean(), f"{name}/se": standard_error(values)}


def standard_error(values: Tensor) -> Tensor:
    """Standard error of the mean of independent values [N]: std / sqrt(N); nan for one value."""
    return values.std() / len(values) ** 0.5 if len(values) > 1 else torch.tensor(float("nan"))
