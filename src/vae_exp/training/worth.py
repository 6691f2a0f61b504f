"""Whether a run is long enough for its step to be compiled."""

from __future__ import annotations

import logging
import statistics
import time

import pytorch_lightning as pl

log = logging.getLogger(__name__)

MEASURED = 30
"""Steps that are timed; of which the first few, that are slower, do not move the median."""

COMPILING = 30.0
"""Seconds that compiling is taken to take: an estimate, which no machine is asked for."""

SAVED = 0.12
"""Share of an eager step that is taken to be saved: that of the workload `mlp` in docs/performance.md."""


class Worth:
    """Times the first steps of a run, decides, and after as many compiled steps looks whether they are the faster ones.

    It pays when (steps left) * (seconds a step) * SAVED > COMPILING. Where the run is nearly done, or its steps are
    short, it does not. What compiling saves differs between networks and machines: large convolutions can lose by it.

    Args:
        trainer: Of the run.
    """

    def __init__(self, trainer: pl.Trainer) -> None:
        self._trainer = trainer
        self._seconds: list[float] = []
        self._last: float | None = None
        self._eager: float | None = None  # seconds of an eager step, once they are known
        self._pays = self._settled = False

    def pays(self) -> bool:
        """Called once a step; false until enough steps are timed."""
        if not self._settled:
            self._time()
        return self._pays

    def _time(self) -> None:
        now = time.perf_counter()
        if self._last is not None:
            self._seconds.append(now - self._last)
        self._last = now
        if len(self._seconds) < MEASURED:
            return
        step, self._seconds = statistics.median(self._seconds), []
        if self._eager is None:
            self._eager, self._pays = step, self._decide(step)
            self._settled = not self._pays
        else:
            self._pays, self._settled = self._saves(step, self._eager), True

    def _decide(self, step: float) -> bool:
        left = self._trainer.estimated_stepping_batches - self._trainer.global_step
        saved = left * step * SAVED
        text = (
            "trainer.step=auto: %s steps of %.1f ms are left; compiling would save some %.0f s and take some %.0f s: %s"
        )
        pays = saved > COMPILING
        log.info(text, f"{left:.0f}", 1000 * step, saved, COMPILING, "it is done" if pays else "it is not done")
        return pays

    def _saves(self, compiled: float, eager: float) -> bool:
        saves = compiled < eager
        text = "trainer.step=auto: a compiled step takes %.1f ms, an eager one took %.1f: the rest is %s"
        log.info(text, 1000 * compiled, 1000 * eager, "compiled" if saves else "eager")
        return saves
