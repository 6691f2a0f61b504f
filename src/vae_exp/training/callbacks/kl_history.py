"""The KL of each latent dimension over training: a file of the run, and TensorBoard's histograms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from vae_exp.analysis.kl_history import KLHistory, write_history
from vae_exp.training.callbacks.checkpoint import fitting
from vae_exp.training.lit import LitVAE
from vae_exp.training.tensorboard import boards
from vae_exp.types import Count


class RecordKL(pl.Callback):
    """Records val/kl_per_dim at every validation at which it is finite.

    What was recorded is part of each checkpoint, so that a run that goes on from one has its past and nothing of what
    came after it.

    Args:
        folder: The run's folder.
        most: Validations recorded at most; beyond them every other is left out.
    """

    def __init__(self, *, folder: str, most: Count) -> None:
        self.folder, self.most = Path(folder), most
        self._history = KLHistory([], [])

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        assert isinstance(module, LitVAE)
        kl = module.vectors.get("val/kl_per_dim")
        if kl is None or not kl.isfinite().all() or not fitting(trainer):
            return
        self._history = self._history.with_point(trainer.global_step, kl.tolist(), self.most)
        if trainer.is_global_zero:
            write_history(self.folder, self._history)
            for board in boards(trainer.loggers):
                board.add_histogram("val/kl_per_dim", kl, trainer.global_step)

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self._history.steps, "nats": self._history.nats}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._history = KLHistory(state["steps"], state["nats"])
