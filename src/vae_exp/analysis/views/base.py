"""What a view is handed, and what it gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, runtime_checkable

import torch
from torch import Tensor

from vae_exp.analysis import pictures
from vae_exp.models.base import Model
from vae_exp.types import Batch

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    Picture = Figure | Tensor
    """A figure, an image [C, H, W] in [0, 1], or the images of an animation [T, C, H, W]."""

Split = Literal["train", "val", "test"]
Drawn = TypeVar("Drawn")


@dataclass(frozen=True)
class Subject:
    """What is looked at.

    Args:
        model: The model, in evaluation mode.
        examples: The first n examples of a split (all, where it has fewer), prepared, on the model's device.
        kl: KL of each latent dimension over the evaluated set, [D], nats; None where it does not divide.
        split: The evaluated set.
        folder: The run's folder, for what it recorded over training; None where there is none.
    """

    model: Model
    examples: Callable[[Split, int], Batch]
    kl: Tensor | None
    split: Literal["val", "test"]
    folder: Path | None


@runtime_checkable
class View(Protocol):
    """A way to look at a model."""

    def __call__(self, subject: Subject) -> Picture | None:
        """Draw, or give None where the view does not apply."""


def of_pictures(view: Callable[..., Drawn]) -> Callable[..., Drawn | None]:
    """A view that shows examples as pictures: None where they are none, such as rows of items."""

    @wraps(view)
    def shown(subject: Subject, **settings: Any) -> Drawn | None:
        return view(subject, **settings) if subject.model.spec.pictures else None

    return shown


@torch.no_grad()
def ranked(subject: Subject, means: Tensor) -> list[int]:
    """Latent dimensions, the most informative first: by KL, or where there is none by the variance of the means.

    Args:
        subject: What is looked at.
        means: Latent means of some examples, [N, D].
    """
    kl = subject.kl
    return pictures.by_rate(means.var(0, correction=0) if kl is None else kl)


def latent_name(subject: Subject, dim: int) -> str:
    """Name of a latent dimension, with its KL where it has one: "z3  1.25 nats"."""
    return f"z{dim}" if subject.kl is None else f"z{dim}  {float(subject.kl[dim]):.2f} nats"


def factors_of(subject: Subject, batch: Batch) -> dict[str, Tensor]:
    """What is known of the examples: the ground-truth factors, or else the label, by name, each [N].

    Empty where nothing is known, or a label is missing.
    """
    if "factors" in batch:
        columns = batch["factors"].unbind(1)
        names = subject.model.spec.factor_names or tuple(f"factor {index}" for index in range(len(columns)))
        return dict(zip(names, columns, strict=True))
    if "y" in batch and bool((batch["y"] >= 0).all()):
        return {"label": batch["y"]}
    return {}
