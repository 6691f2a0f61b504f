"""Checkpoints from which a run goes on as if nothing had happened."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from lightning_fabric.plugins import TorchCheckpointIO
from pytorch_lightning.callbacks import Checkpoint
from pytorch_lightning.trainer.states import TrainerFn
from pytorch_lightning.utilities.exceptions import SIGTERMException

from vae_exp.checkpoints import write_tensors
from vae_exp.errors import UserError
from vae_exp.files import whole
from vae_exp.metrics.base import PerExample
from vae_exp.training.callbacks.leaving import Leaving
from vae_exp.training.lit import LitVAE
from vae_exp.types import CountOrZero


class LastAndBest(Checkpoint):
    """Keeps last.ckpt, after every epoch and every so many steps, and best.ckpt, where val/nelbo was lowest.

    Args:
        folder: Where the checkpoints go.
        every_n_steps: Optimizer steps between checkpoints within an epoch, 0 for none; a run that dies loses no more.
        highest: Figure of the validation set whose highest value makes the best checkpoint, in the place of val/nelbo.
    """

    def __init__(self, *, folder: str, every_n_steps: CountOrZero, highest: str | None) -> None:
        self.highest = highest
        self.last, self.best = Path(folder, "last.ckpt"), Path(folder, "best.ckpt")
        self.every_n_steps = every_n_steps
        self.best_score = float("inf")
        self._improved = False
        self._seen_step = 0
        self._due = self._leaves = False
        self._leaving = Leaving()

    def on_fit_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        assert isinstance(module, LitVAE)
        measuring = module.metrics_of("val").values()
        scores = {module.named(name) for metric in measuring if isinstance(metric, PerExample) for name in metric.names}
        certain = all(isinstance(metric, PerExample) for metric in measuring)  # others tell when they have measured
        if self.highest is None and certain and module.objective not in scores:
            raise _unmeasured(module)

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self._leaving.after_a_step()
        self._seen_step, self._due, self._leaves = trainer.global_step, False, False

    def on_train_batch_end(self, trainer: pl.Trainer, module: pl.LightningModule, *_: Any) -> None:
        step = trainer.global_step
        stepped, self._seen_step = step != self._seen_step, step
        if not stepped or trainer.fit_loop.epoch_loop.batch_progress.is_last_batch:
            return  # a checkpoint has no gradients, which accumulate; and the end of the epoch saves, after validation
        self._leaves = self._leaving.agreed(trainer)
        self._due |= self._leaves or (self.every_n_steps > 0 and step % self.every_n_steps == 0)
        if self._due and not _validates_now(trainer):  # a run that goes on takes that for done
            self._save_and_leave(trainer)

    def on_validation_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if not fitting(trainer):
            self._leaving.at_once()

    def on_test_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self._leaving.at_once()

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        assert isinstance(module, LitVAE)
        if not fitting(trainer):
            return
        score = self._score(trainer, module)
        better = score < self.best_score  # nan is no score
        if better:
            self.best_score = score
        if trainer.fit_loop.epoch_loop.batch_progress.is_last_batch:
            self._improved = better  # the end of the epoch saves these weights anyway
            return
        if better:
            trainer.save_checkpoint(self.best)
        if self._due:
            self._save_and_leave(trainer)

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if not self._improved:
            trainer.save_checkpoint(self.last)
            return
        # The best one first: where the run is killed between the two, it goes on from before it and does it again.
        self._improved = False
        trainer.save_checkpoint(self.best)
        if trainer.is_global_zero:
            _link(self.best, self.last)
        trainer.strategy.barrier()  # all processes read it at the end

    def state_dict(self) -> dict[str, Any]:
        return {"best_score": self.best_score}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if self.best.is_file():  # it is not there where the checkpoint is another run's
            self.best_score = state["best_score"]

    def _score(self, trainer: pl.Trainer, module: LitVAE) -> float:
        """How good the weights are, a lower number for better ones."""
        figures = trainer.callback_metrics
        if self.highest is None:
            return newest_score(trainer, module)
        if (name := f"val/{self.highest}") not in figures:
            known = ", ".join(sorted(key.removeprefix("val/") for key in figures if key.startswith("val/")))
            raise UserError(f"callbacks.checkpoint.highest={self.highest} is no figure of this validation; use {known}")
        return -float(figures[name])

    def _save_and_leave(self, trainer: pl.Trainer) -> None:
        self._due = False
        trainer.save_checkpoint(self.last)
        if self._leaves:
            raise SIGTERMException


class WholeFileIO(TorchCheckpointIO):
    """Writes a checkpoint whole or not at all, and reads nothing but tensors and plain containers."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        write_tensors(Path(path), checkpoint)

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = None) -> dict[str, Any]:
        return super().load_checkpoint(path, map_location=map_location, weights_only=True)


def fitting(trainer: pl.Trainer) -> bool:
    """Whether validation is part of training, rather than asked for by itself."""
    return trainer.state.fn == TrainerFn.FITTING


def _validates_now(trainer: pl.Trainer) -> bool:
    loop = trainer.fit_loop
    return bool(loop.epoch_loop._should_check_val_fx(loop._data_fetcher))  # type: ignore[arg-type]


def at_the_end(trainer: pl.Trainer) -> bool:
    """Whether this epoch, whose validation is going on, is the last; None and -1 bound nothing."""
    bounds = ((trainer.max_epochs, trainer.current_epoch + 1), (trainer.max_steps, trainer.global_step))
    return any(most is not None and 0 <= most <= done for most, done in bounds)


def monitored(module: LitVAE) -> str:
    """The figure that chooses checkpoints, on the validation set and at beta = 1."""
    return f"val/{module.objective}"


def newest_score(trainer: pl.Trainer, module: LitVAE) -> float:
    """Its newest value.

    Raises:
        UserError: No metric measures it.
    """
    if (name := monitored(module)) not in trainer.callback_metrics:
        raise _unmeasured(module)
    return float(trainer.callback_metrics[name])


def _unmeasured(module: LitVAE) -> UserError:
    return UserError(
        f"metrics: none of them measures {monitored(module)}, which training needs; add elbo, as in "
        "metrics=[elbo,quality], or use metrics=default"
    )


def _link(source: Path, target: Path) -> None:
    """Make `target` the same file as `source`, at once; both are replaced and never changed, so both stay whole."""
    with whole(target) as partial:
        partial.unlink()
        try:
            os.link(source, partial)
        except OSError:  # not every file system has links
            shutil.copyfile(source, partial)
