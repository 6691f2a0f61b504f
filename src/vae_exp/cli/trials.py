"""Runs that are trials of a study, which may be ended before they are done."""

from __future__ import annotations

from pathlib import Path

import pytorch_lightning as pl
from hydra.core.hydra_config import HydraConfig

from vae_exp.sweeps.study import open_study
from vae_exp.training.callbacks.pruning import Pruning


def pruning_of(trial: int, metric: str) -> list[Pruning]:
    """What tells the study of this run's sweep how the run fares, and ends it where the study sees no hope.

    Args:
        trial: The number of the trial.
        metric: The objective; of one that is known only at the end, nothing can be told.
    """
    if not metric.startswith("val/"):
        return []
    sweeper, folder = HydraConfig.get().sweeper, Path(HydraConfig.get().sweep.dir)
    return [Pruning(trial=open_study(folder, sweeper, seed=0).trial(trial), metric=metric)]


def pruned(trainer: pl.Trainer) -> bool:
    """Whether a run was ended so."""
    return any(isinstance(callback, Pruning) and callback.pruned for callback in trainer.callbacks)  # type: ignore[attr-defined]
