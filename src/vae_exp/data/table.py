"""A data set that is in memory, and the one place where it is checked."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vae_exp.data.factors import Factors
from vae_exp.data.prepare import static
from vae_exp.data.splits import Split
from vae_exp.errors import UserError, of_kind


@dataclass(eq=False)
class Table(Split):
    """Examples in memory.

    Args:
        x: Pictures, [N, C, H, W], uint8 in 0..255 or float32 in [0, 1].
        y: Classes, [N] int64, -1 = unlabelled, or None where the data set has no labels.
        factors: What the examples were made of, where that is known.
    """

    x: Tensor
    y: Tensor | None
    factors: Factors | None = None

    def __post_init__(self) -> None:
        for name, part in (("x", self.x), ("y", self.y)):
            if part is not None:
                of_kind(part, Tensor, f"data: {name} of a Table")
        self.shape = tuple(self.x.shape[1:])
        self.values = "unit_interval" if self.x.dtype == torch.float32 else "levels"

    def __len__(self) -> int:
        return len(self.x)

    def inputs(self, indices: Tensor) -> dict[str, Tensor]:
        return {"x": self.x.index_select(0, indices)}

    def binarized(self, seed: int) -> Table:
        return replace(self, x=static(self.x, seed=seed))

    def check(self, where: str) -> None:
        _validate_pictures(self.x, where)
        if self.y is not None:
            _validate_labels(self.y, len(self), where)
        if self.factors is not None:
            _validate_factors(self.factors, len(self), where)


def _validate_pictures(x: Tensor, where: str) -> None:
    if x.ndim != 4 or 0 in x.shape:
        raise UserError(f"{where}: x has shape {list(x.shape)}; it must be [N, C, H, W] with every size at least 1")
    if x.dtype not in (torch.uint8, torch.float32):
        raise UserError(f"{where}: x is {x.dtype}; it must be uint8 in 0..255 or float32 in [0, 1]")
    if x.dtype == torch.float32:
        _validate_range(x, where)


def _validate_range(x: Tensor, where: str) -> None:
    low, high = (bound.item() for bound in x.aminmax())  # NaN where any pixel is NaN
    if not 0 <= low <= high <= 1:
        raise UserError(f"{where}: x lies in [{low:g}, {high:g}]; floating-point pixels must be finite and in [0, 1]")


def _validate_labels(y: Tensor, size: int, where: str) -> None:
    if y.shape != (size,) or y.dtype != torch.int64:
        raise UserError(f"{where}: y is {y.dtype} of shape {list(y.shape)}; it must be int64 of shape [{size}]")
    if (smallest := int(y.min())) < -1:
        raise UserError(f"{where}: y holds the label {smallest}; labels are 0, 1, ... or -1 for unlabelled")


def _validate_factors(factors: Factors, size: int, where: str) -> None:
    values, names, sizes, *_ = factors
    shape = (size, len(sizes))
    if values.shape != shape or values.dtype != torch.int64 or len(names) != len(sizes):
        raise UserError(
            f"{where}: factors is {values.dtype} of shape {list(values.shape)} with {len(names)} names; it must be "
            f"int64 of shape {list(shape)} with {len(sizes)}"
        )
    for name, count, column in zip(names, sizes, values.unbind(1), strict=True):
        low, high = (int(bound) for bound in column.aminmax())
        if not 0 <= low <= high < count:
            raise UserError(f"{where}: the factor {name} lies in {low}..{high}; it must be in 0..{count - 1}")
