"""A progress bar that draws a few times a second, whatever the speed of the steps."""

from __future__ import annotations

import logging
import sys
import time
from shutil import get_terminal_size
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import ProgressBar
from tqdm import tqdm

from vae_exp.training.callbacks.checkpoint import at_the_end, fitting, monitored
from vae_exp.training.lit import SCORES, LitVAE
from vae_exp.types import Positive

log = logging.getLogger(__name__)
SHOWN = (*SCORES, "rate")
LINE = "{desc} {bar:10} {n_fmt}/{total_fmt} {remaining}{postfix}"


class _Bar(tqdm):  # type: ignore[type-arg]
    monitor_interval = 0  # without a thread of its own, which would take the interpreter from the training loop


class RunProgress(ProgressBar):
    """Shows steps, time left, nelbo, rate and distortion; where there is no terminal, logs a line now and then.

    Args:
        redraw_seconds: Time between two drawings.
        log_seconds: Time between two lines in the log.
    """

    def __init__(self, *, redraw_seconds: Positive, log_seconds: Positive) -> None:
        super().__init__()
        self.redraw_seconds, self.log_seconds = redraw_seconds, log_seconds
        self._bar: _Bar | None = None
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
        if now - self._logged > self.log_seconds or at_the_end(trainer):
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
            self._bar.update()

    def on_test_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self._close()

    def on_exception(self, trainer: pl.Trainer, module: pl.LightningModule, exception: BaseException) -> None:
        self._close()

    def _open(self, name: str, total: float, done: int) -> None:
        if self._enabled and sys.stderr.isatty():
            bounded = int(total) if total != float("inf") else None
            columns, rows = get_terminal_size()  # 80 and 24 where a terminal does not know, in which tqdm draws nothing
            self._bar = _Bar(
                desc=name, total=bounded, initial=done, leave=False, ncols=columns, nrows=rows, bar_format=LINE
            )

    def _draw(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        assert isinstance(module, LitVAE)
        if self._bar is None:
            return
        newest = trainer.callback_metrics.get(monitored(module))
        figures = [] if newest is None else [f"val {float(newest):.1f}"]
        figures += [f"{name} {value:.1f}" for name, value in module.latest.items() if name.split("_")[0] in SHOWN]
        self._bar.ncols, self._bar.nrows = get_terminal_size()  # it may have become another since
        self._bar.n = trainer.global_step
        self._bar.set_postfix_str("  ".join(figures))

    def _say(self, text: str) -> None:
        """Log a line, above the bar where there is one."""
        if self._bar is not None:
            self._bar.clear()
        log.info(text)
        if self._bar is not None:
            self._bar.refresh()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
