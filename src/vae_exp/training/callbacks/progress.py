"""A progress bar that draws a few times a second, whatever the speed of the steps."""

from __future__ import annotations

import logging
import time
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import ProgressBar
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from vae_exp.training.callbacks.checkpoint import fitting, monitored
from vae_exp.training.lit import SCORES, LitVAE
from vae_exp.types import Positive

log = logging.getLogger(__name__)
SHOWN = (*SCORES, "rate")


class RunProgress(ProgressBar):
    """Shows steps, time left, nelbo, rate and distortion; where there is no terminal, logs a line now and then.

    Args:
        redraw_seconds: Time between two drawings.
        log_seconds: Time between two lines in the log.
    """

    def __init__(self, *, redraw_seconds: Positive, log_seconds: Positive) -> None:
        super().__init__()
        self.redraw_seconds, self.log_seconds = redraw_seconds, log_seconds
        self._console = Console(stderr=True)
        self._bar: Progress | None = None
        self._task = TaskID(0)
        self._drawn = self._logged = 0.0
        self._enabled = True

    def disable(self) -> None:
        self._enabled = False

    def enable(self) -> None:
        self._enabled = True

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self._open("training", trainer.estimated_stepping_batches, trainer.global_step)

    def on_train_batch_end(self, trainer: pl.Trainer, module: pl.LightningModule, *_: Any) -> None:
        now = time.monotonic()
        if self._bar is not None and now - self._drawn > self.redraw_seconds:
            self._drawn = now
            self._draw(trainer, module)

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        assert isinstance(module, LitVAE)
        if not fitting(trainer):
            return
        now = time.monotonic()
        last = trainer.max_epochs is not None and trainer.current_epoch + 1 >= trainer.max_epochs
        if now - self._logged > self.log_seconds or last:
            self._logged = now
            figures = {name: trainer.callback_metrics.get(f"val/{module.named(name)}") for name in SHOWN}
            text = "  ".join(f"{module.named(name)} {float(v):.2f}" for name, v in figures.items() if v is not None)
            self._say(f"epoch {trainer.current_epoch + 1}  val  {text}")

    def on_train_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self._draw(trainer, module)
        self._close()

    def on_test_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self._open("test", sum(trainer.num_test_batches), 0)

    def on_test_batch_end(self, trainer: pl.Trainer, module: pl.LightningModule, *_: Any) -> None:
        if self._bar is not None:
            self._bar.advance(self._task)

    def on_test_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self._close()

    def on_exception(self, trainer: pl.Trainer, module: pl.LightningModule, exception: BaseException) -> None:
        self._close()

    def _open(self, name: str, total: float, done: int) -> None:
        if not (self._enabled and self._console.is_terminal):
            return
        columns = (
            TextColumn(name),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[figures]}"),
        )
        # Drawn by hand: rich's own thread would take the interpreter from the training loop.
        self._bar = Progress(*columns, console=self._console, auto_refresh=False, transient=True)
        bounded = total if total != float("inf") else None
        self._task = self._bar.add_task(name, total=bounded, completed=done, figures="")
        self._bar.start()

    def _draw(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        assert isinstance(module, LitVAE)
        if self._bar is None:
            return
        figures = [f"{name} {value:.1f}" for name, value in module.latest.items() if name.split("_")[0] in SHOWN]
        best = trainer.callback_metrics.get(monitored(module))
        figures += [] if best is None else [f"val {float(best):.1f}"]
        self._bar.update(self._task, completed=trainer.global_step, figures="  ".join(figures), refresh=True)

    def _say(self, text: str) -> None:
        """Log a line, above the bar where there is one."""
        if self._bar is not None:
            self._bar.stop()
        log.info(text)
        if self._bar is not None:
            self._bar.start()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
