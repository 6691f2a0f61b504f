"""SIGTERM while one process or several train: they leave together, after the same step."""

from __future__ import annotations

import signal
import threading
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.utilities.exceptions import SIGTERMException

TOGETHER = 10
"""Steps after which several processes ask each other: asking waits for the device."""


class Leaving:
    """Knows whether this process has been told to end.

    Lightning would leave after any batch, even where gradients are still to be accumulated; and its handler would
    begin to speak with the other processes at once, who hear of the signal at another moment and are in the middle of
    something else.
    """

    def __init__(self) -> None:
        self._told = False

    def after_a_step(self) -> None:
        """From here on a signal is noted, for `agreed`."""
        self._told = False
        self._handle(self._note)

    def at_once(self) -> None:
        """From here on a signal, or one that was noted, ends this process, which has nothing to save."""
        self._handle(_end)
        if self._told:
            _end()

    def agreed(self, trainer: pl.Trainer) -> bool:
        """Whether any process has been told; all of them must ask, and get the same answer."""
        if trainer.world_size > 1 and trainer.global_step % TOGETHER:
            return False
        return trainer.strategy.reduce_boolean_decision(self._told or trainer.received_sigterm, all=False)

    def _handle(self, handler: Any) -> None:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)  # Lightning puts back what was before

    def _note(self, *_: Any) -> None:
        self._told = True


def _end(*_: Any) -> None:
    raise SIGTERMException
