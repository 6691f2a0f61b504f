"""Norms of gradients and their clipping, by optimizer group, lest one network's gradient shorten another's step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

HALF = (torch.float16, torch.bfloat16)

SMALL = 4096
"""Entries up to which gradients are copied together, which takes less time than an operation for each."""

Algorithm = Literal["norm", "value"]
Groups = Sequence[list[Tensor]]
"""Gradients, optimizer group by optimizer group."""


def norms_of(groups: Groups) -> Tensor:
    """The Euclidean norm of each group's gradients, [groups]; infinite from 10^19 on."""
    return torch.stack([torch.stack(_squares(group)).sum() for group in groups]).sqrt()


def _squares(grads: list[Tensor]) -> list[Tensor]:
    """Squared norms, [] each, which add up to that of all gradients."""
    wide = [grad.float() if grad.dtype in HALF else grad for grad in grads]
    if torch.compiler.is_compiling():
        return [grad.square().sum() for grad in wide]  # in one kernel with what makes the gradient
    rows: list[Tensor] = []
    small: list[Tensor] = []
    for grad in wide:
        (small if grad.numel() <= SMALL else rows).append(_row(grad))
    if small:
        rows.append(torch.cat(small))
    return [torch.dot(row, row) for row in rows]


def _row(grad: Tensor) -> Tensor:
    """All entries, [n], in the order in which they lie in memory, where that can be had without a copy."""
    if grad.ndim == 1:
        return grad
    # A convolution's lie channels last; in any other order they would be copied.
    return grad.movedim(1, -1).reshape(-1) if grad.ndim == 4 and not grad.is_contiguous() else grad.reshape(-1)


def clip(groups: Groups, norms: Tensor, *, bound: float | None, algorithm: Algorithm | None) -> None:
    """Shorten gradients in place.

    Args:
        groups: The gradients.
        norms: Their norms, [groups].
        bound: The longest norm of a group, or the largest entry; None or 0 for no bound.
        algorithm: norm, or value for entries.
    """
    if not bound:
        return
    if algorithm == "value":
        for group in groups:
            torch._foreach_clamp_min_(group, -bound)
            torch._foreach_clamp_max_(group, bound)
    else:
        for group, factor in zip(groups, (bound / (norms + 1e-6)).clamp(max=1.0), strict=True):
            torch._foreach_mul_(group, factor)
