"""torch.compile, as this project uses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch

Result = TypeVar("Result")

MOST_GRAPHS = 64
"""Graphs of one function that a process keeps: one for each architecture among the runs of a sweep."""


def compiled(function: Callable[..., Result]) -> Callable[..., Result]:
    """A function as one graph for each shape of its arguments, with the random numbers of the eager function."""
    from torch._dynamo import config as limits  # takes seconds

    limits.recompile_limit = max(MOST_GRAPHS, limits.recompile_limit)
    limits.accumulated_recompile_limit = max(4 * MOST_GRAPHS, limits.accumulated_recompile_limit)
    options: dict[str, Any] = {"fallback_random": True, "triton.cudagraphs": torch.cuda.is_available()}
    return torch.compile(function, fullgraph=True, dynamic=False, options=options)


def reason_of(error: Exception) -> str:
    """The first line of what a compiler has to say."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
