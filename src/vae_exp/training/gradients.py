"""Norms of gradients and their clipping, by optimizer group, lest one network's gradient shorten another's step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

Algorithm = Literal["norm", "value"]
Groups = Sequence[list[Tensor]]
"""Gradients, optimizer group by optimizer group."""


def norms_of(groups: Groups) -> Tensor:
    """The Euclidean norm of each group's gradients, [groups]; infinite from 10^19 on."""
    return torch.stack([torch.stack([_square(grad) for grad in group]).sum() for group in groups]).sqrt()


def _square(grad: Tensor) -> Tensor:
    wide = grad if grad.dtype.itemsize > 2 else grad.float()
    if torch.compiler.is_compiling():
        return wide.square().sum()  # in one kernel with what makes the gradient; a dot product would be apart
    # Of a convolution that lies channels last; in any other order it would be copied first.
    row = wide.movedim(1, -1).reshape(-1) if wide.ndim == 4 and not wide.is_contiguous() else wide.reshape(-1)
    return torch.dot(row, row)


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
