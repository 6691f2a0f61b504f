"""Means over the steps since the last look, kept on the device."""

from __future__ import annotations

import time

from torch import Tensor

from vae_exp.training.objective import Means


class Meter:
    """Sums terms on the device every step, and reads them once in a while: reading is what costs."""

    def __init__(self) -> None:
        self._names: tuple[str, ...] = ()
        self._total: Tensor | None = None
        self._steps = 0
        self._examples = 0
        self._seconds = 0.0
        self._since = time.perf_counter()

    def add(self, means: Means, examples: int) -> None:
        """Add those of one step."""
        # Copied, since the next step of a graph may write where this one has.
        self._total = means.values.clone() if self._total is None else self._total.add_(means.values)
        self._names = means.names
        self._steps += 1
        self._examples += examples

    def read(self) -> dict[str, float]:
        """Mean of each term since the last call, and the examples per second; empties the meter."""
        if self._total is None:
            return {}
        means = dict(zip(self._names, (self._total / self._steps).tolist(), strict=True))
        self.pause()
        means["images_per_second"] = self._examples / self._seconds
        self._total, self._steps, self._examples, self._seconds = None, 0, 0, 0.0
        self.go_on()
        return means

    def pause(self) -> None:
        """Stop the clock before something that is no training, such as validation."""
        self._seconds += time.perf_counter() - self._since

    def go_on(self) -> None:
        """Start the clock again."""
        self._since = time.perf_counter()
