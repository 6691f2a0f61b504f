"""Points that share the value of a factor, drawn from those at hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from vae_exp.metrics.codes.table import CodeTable

ROWS = 1000
"""Draws made at a time; bounds the memory."""


class Groups(NamedTuple):
    """The points of a table by the value of each factor.

    Args:
        order: Points sorted by their value of each factor, [F, N].
        first: Where in that order the points with a value begin, [F, V].
        size: How many they are, [F, V].
    """

    order: Tensor
    first: Tensor
    size: Tensor


def group(factors: Tensor) -> Groups:
    """Sort the points, factors [N, F], by each factor."""
    values = int(factors.max()) + 1
    count = torch.stack([column.bincount(minlength=values) for column in factors.unbind(1)])
    return Groups(factors.argsort(dim=0, stable=True).T.contiguous(), count.cumsum(1) - count, count)


def draw_with(groups: Groups, factor: Tensor, value: Tensor, generator: torch.Generator) -> Tensor:
    """Draw, for each of [...] factors and values of them, one of the points with that value; [...]."""
    count = groups.size[factor, value]
    step = torch.rand(count.shape, generator=generator, dtype=torch.float64) * count
    return groups.order[factor, groups.first[factor, value] + step.long()]


def drawn_factors(table: CodeTable, num: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Draw `num` factors evenly, some at a time."""
    yield from torch.randint(table.factors.shape[1], (num,), generator=generator).split(ROWS)
