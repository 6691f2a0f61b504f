"""The few types that pass between the rooms of the house. Shapes are written [K, B, ...]: K samples, B examples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple, Protocol, TypedDict, runtime_checkable

import torch
from annotated_types import Ge, Gt, Interval
from torch import Tensor, nn
from torch.distributions import Distribution
from typing_extensions import NotRequired

# Ranges stand in signatures, where the config check reads them before anything is built.
Positive = Annotated[float, Gt(0)]
NonNegative = Annotated[float, Ge(0)]
Fraction = Annotated[float, Interval(ge=0, lt=1)]
Count = Annotated[int, Ge(1)]
CountOrZero = Annotated[int, Ge(0)]
Seed = Annotated[int, Interval(ge=0, lt=2**32)]

Values = Literal["binary", "levels", "unit_interval"]
Space = Literal["real", "sphere", "one_hot", "codes"]


Draw = Callable[[int, Tensor | None, float], Tensor]
"""Number of latents n, classes [n] for a model with a context, temperature -> latents [n, latent_dim]."""


class Batch(TypedDict):
    """One batch of examples; an absent key is absent, never None."""

    x: Tensor  # [B, *x_shape], float in [0, 1] after the transfer hook; before it uint8, float or still to be drawn
    target: NotRequired[Tensor]  # scored instead of x: denoising, held-out items
    y: NotRequired[Tensor]  # [B] class, -1 = unlabelled
    factors: NotRequired[Tensor]  # [B, F] int64, ground-truth generative factors as numbers of their values


def select(batch: Batch, rows: slice | Tensor) -> Batch:
    """Some of a batch's examples, by their places."""
    return {key: value[rows] for key, value in batch.items()}  # type: ignore[return-value, index]


def in_parts(batch: Batch, size: int) -> Iterator[Batch]:
    """A batch in batches of at most so many examples."""
    for start in range(0, len(batch["x"]), size):
        yield select(batch, slice(start, start + size))


def moved(batch: Batch, device: torch.device) -> Batch:
    """A batch on a device."""
    return {key: value.to(device) for key, value in batch.items()}  # type: ignore[return-value, attr-defined]


@dataclass(frozen=True)
class DataSpec:
    """What a model must know of a data set; saved in every checkpoint, so that a run loads without its data.

    Args:
        x_shape: Shape of one example, (channels, height, width) of a picture, (items,) of a row.
        values: What a pixel can be: 0 or 1, one of 256 equally spaced levels of [0, 1], or any number of [0, 1].
        train_size: Number of training examples.
        num_classes: Number of classes, 0 where there are no labels.
        factor_names: Names of the ground-truth factors, the columns of a batch's `factors`, where they are known.
        factor_sizes: How many values each of them has.
        item_names: Names of a row's entries, where they are the items that a user may have.
        item_counts: How many training examples have each of them.
    """

    x_shape: tuple[int, ...]
    values: Values
    train_size: int
    num_classes: int = 0
    factor_names: tuple[str, ...] = ()
    factor_sizes: tuple[int, ...] = ()
    item_names: tuple[str, ...] = ()
    item_counts: tuple[int, ...] = ()

    @property
    def pictures(self) -> bool:
        """Whether examples are pictures."""
        return len(self.x_shape) == 3


class Latent(NamedTuple):
    """One group of latents: its posterior, its prior and samples of the posterior."""

    q: Distribution  # batch_shape [B], or [K, B] for a group that depends on the samples of others
    p: Distribution  # batch_shape [], or that of q
    z: Tensor  # [K, B, *latent]


class VAEOutput(NamedTuple):
    """What a model makes of a batch."""

    latents: tuple[Latent, ...]
    p_x: Distribution  # batch_shape [K, B], event_shape x_shape


@runtime_checkable
class StartsFromData(Protocol):
    """A part that begins at the data; it is shown some training examples before the first step."""

    def start_from_data(self, x: Tensor) -> None:
        """Take in examples, [N, *x_shape] in [0, 1]."""


class Context(NamedTuple):
    """What a loss may need beyond the model's output."""

    dataset_size: int
    model: nn.Module


@dataclass(frozen=True)
class LossOutput:
    """A loss and the unweighted terms that it is made of, in nats, each of shape [], [B] or [K, B]."""

    loss: Tensor  # []
    terms: dict[str, Tensor]
