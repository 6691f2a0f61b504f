"""Turns for whatever trains by Lightning: one epoch a turn, its validation timed apart."""

from __future__ import annotations

import time
from typing import Any

import pytorch_lightning as pl
from turns import Turns


class LightningTurns(pl.Callback):
    """Reports an epoch when the next one begins, so that checkpoints are part of it.

    Args:
        before: Epochs without a turn, which come before the one of the first turn.
    """

    def __init__(self, before: int = 0) -> None:
        self._before = before
        self._line: Turns | None = None
        self._began = self._validating = self._validation = 0.0
        self._examples = 0

    def on_train_epoch_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if not trainer.is_global_zero:
            return  # it waits for the first process when they exchange gradients
        if self._line is None:
            self._line = Turns()
            self._line.wait()
        elif trainer.current_epoch > self._before:
            took = time.perf_counter() - self._began
            self._line.report(
                seconds=took - self._validation, validation_seconds=self._validation, examples=self._examples
            )
            self._line.wait()
        self._examples, self._validation, self._began = 0, 0.0, time.perf_counter()

    def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        x = batch["x"] if isinstance(batch, dict) else batch[0]
        self._examples += len(x) * trainer.world_size

    def on_validation_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self._validating = time.perf_counter()

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self._validation += time.perf_counter() - self._validating
