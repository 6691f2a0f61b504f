"""How far a run is, in a file of its folder that others can look at."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from vae_exp.files import write_whole
from vae_exp.training.callbacks.checkpoint import at_the_end, fitting, monitored, newest_score
from vae_exp.training.lit import LitVAE
from vae_exp.types import NonNegative


class ReportProgress(pl.Callback):
    """Writes progress.json after an epoch's validation: epochs, steps, newest and lowest objective, time left.

    Args:
        folder: The run's folder.
        every_seconds: Least time between two writings.
    """

    def __init__(self, *, folder: str, every_seconds: NonNegative) -> None:
        self.path, self.every_seconds = Path(folder, "progress.json"), every_seconds
        self.best = math.inf
        self._written = -math.inf
        self._began, self._first_step = 0.0, 0

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self._began, self._first_step = time.monotonic(), trainer.global_step

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        assert isinstance(module, LitVAE)
        if not fitting(trainer):
            return
        newest = newest_score(trainer, module)
        self.best = min(self.best, newest)
        now = time.monotonic()
        if trainer.is_global_zero and (at_the_end(trainer) or now - self._written >= self.every_seconds):
            self._written = now
            write_whole(self.path, json.dumps(self._content(trainer, module, newest)) + "\n")

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.best = state["best"]

    def _content(self, trainer: pl.Trainer, module: LitVAE, newest: float) -> dict[str, Any]:
        steps = trainer.estimated_stepping_batches
        done = trainer.global_step - self._first_step
        elapsed = time.monotonic() - self._began
        known = math.isfinite(steps) and done > 0
        return {
            "epoch": trainer.current_epoch + 1,
            "epochs": trainer.max_epochs if (trainer.max_epochs or -1) > 0 else None,
            "step": trainer.global_step,
            "steps": steps if math.isfinite(steps) else None,
            "objective": monitored(module),
            "newest": newest if math.isfinite(newest) else None,
            "best": self.best if math.isfinite(self.best) else None,
            "seconds_left": round((steps - trainer.global_step) * elapsed / done, 1) if known else None,
            "time": time.time(),
        }
