"""Ground-truth factors: what an example was made of."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor


class Factors(NamedTuple):
    """The factors of some examples, as numbers of their values.

    Args:
        values: [N, F] int64, 0 <= values[:, f] < sizes[f].
        names: Name of each factor, F of them.
        sizes: How many values each factor has.
        label: Name of the factor that is the class of an example, if one is.
        draw: Makes pictures [n, C, H, W] uint8 of any factors [n, F], on their device; None where pictures are only
            to be looked up.
    """

    values: Tensor
    names: tuple[str, ...]
    sizes: tuple[int, ...]
    label: str | None = None
    draw: Callable[[Tensor], Tensor] | None = None

    @property
    def y(self) -> Tensor | None:
        """Classes, [N] int64, or None."""
        return None if self.label is None else self.values[:, self.names.index(self.label)].contiguous()


def to_factors(index: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """Tuple of each number when all are counted with the last factor fastest: [...] int64 -> [..., F] int64."""
    columns = []
    for size in reversed(sizes):
        columns.append(index % size)
        index = index // size
    return torch.stack(columns[::-1], -1)


def grid(names: tuple[str, ...], sizes: tuple[int, ...], *, label: str) -> Factors:
    """Every tuple once, counted with the last factor fastest."""
    return Factors(to_factors(torch.arange(math.prod(sizes)), sizes), names, sizes, label)
