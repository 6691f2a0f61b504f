"""Means over the steps since the last look, kept on the device."""

from __future__ import annotations

import time
from collections.abc import Mapping

import torch
from torch import Tensor


class Meter:
    """Sums terms on the device every step, and reads them once in a while: reading is what costs."""

    def __init__(self) -> None:
        self._names: tuple[str, ...] = ()
        self._total: Tensor | None = None
        self._steps = 0
        self._examples = 0
        self._since = time.perf_counter()

    def add(self, terms: Mapping[str, Tensor], examples: int) -> None:
        """Add one step's terms, each of which is meant first."""
        row = torch.stack([term.detach().float().mean() for term in terms.values()])
        self._total = row if self._total is None else self._total.add_(row)
        self._names = tuple(terms)
        self._steps += 1
        self._examples += examples

    def read(self) -> dict[str, float]:
        """Mean of each term since the last call, and the examples per second; empties the meter."""
        if self._total is None:
            return {}
        means = dict(zip(self._names, (self._total / self._steps).tolist(), strict=True))
        now = time.perf_counter()
        means["images_per_second"] = self._examples / (now - self._since)
        self._total, self._steps, self._examples, self._since = None, 0, 0, now
        return means

    def restart_clock(self) -> None:
        """Leave out the time that went to something else, such as validation."""
        self._since = time.perf_counter()
        self._examples = 0
