"""End a trial that does worse than the others did at its age."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytorch_lightning as pl

from vae_exp.sweeps.objective import objective
from vae_exp.training.callbacks.checkpoint import at_the_end, fitting

if TYPE_CHECKING:
    from optuna.trial import Trial


class Pruning(pl.Callback):
    """Tells the study of every validation, and stops the run where the study advises it, or a figure is not finite.

    Args:
        trial: The run's trial.
        metric: The figure of validation that the study compares.

    Attributes:
        pruned: Whether the run was stopped.
    """

    def __init__(self, *, trial: Trial, metric: str) -> None:
        self.trial, self.metric = trial, metric
        self.pruned = False

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if not fitting(trainer):
            return
        epoch = trainer.current_epoch + 1
        value = objective(trainer.callback_metrics, self.metric)
        if not math.isfinite(value):
            self.pruned = trainer.should_stop = True
            return
        if epoch not in self.trial.storage.get_trial(self.trial._trial_id).intermediate_values:  # told before a kill
            self.trial.report(value, epoch)
        if not at_the_end(trainer) and self.trial.should_prune():
            self.pruned = trainer.should_stop = True
