"""Stop when validation no longer improves."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl

from vae_exp.training.callbacks.checkpoint import fitting, newest_score
from vae_exp.training.lit import LitVAE
from vae_exp.types import CountOrZero, NonNegative


class EarlyStopping(pl.Callback):
    """End the run after `patience` validations in which the negative ELBO did not fall by more than `min_delta`.

    Lightning's own callback forgets on resume that it had decided to stop.

    Args:
        patience: Validations without improvement that end the run, 0 for never.
        min_delta: Improvement that counts, nats.
    """

    def __init__(self, *, patience: CountOrZero, min_delta: NonNegative) -> None:
        self.patience, self.min_delta = patience, min_delta
        self.best, self.waited = float("inf"), 0

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self._stop_if_due(trainer)

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        assert isinstance(module, LitVAE)
        if not fitting(trainer):
            return
        score = newest_score(trainer, module)
        improved = score < self.best - self.min_delta
        self.best, self.waited = (score, 0) if improved else (self.best, self.waited + 1)
        self._stop_if_due(trainer)

    def _stop_if_due(self, trainer: pl.Trainer) -> None:
        if 0 < self.patience <= self.waited:
            trainer.should_stop = True

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best, "waited": self.waited}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.best, self.waited = state["best"], state["waited"]
