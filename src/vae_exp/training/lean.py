"""Lightning's step without what nobody listens to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
from pytorch_lightning.loops.training_epoch_loop import _TrainingEpochLoop
from pytorch_lightning.profilers import PassThroughProfiler
from pytorch_lightning.strategies import SingleDeviceStrategy
from pytorch_lightning.utilities.model_helpers import is_overridden
from torch import Tensor

from vae_exp.data.datamodule import DataModule
from vae_exp.training.exchange import Exchange, exchange_of
from vae_exp.types import Batch

if TYPE_CHECKING:
    from vae_exp.training.lit import LitVAE

LOOKING = ("on_before_backward", "on_after_backward", "on_before_optimizer_step", "on_before_zero_grad")
"""Hooks of callbacks that see gradients."""


def looking(trainer: pl.Trainer) -> list[str]:
    """The callbacks that see gradients, by the names of their classes."""
    return [
        type(c).__name__ for c in _callbacks(trainer) if any(is_overridden(name, c, pl.Callback) for name in LOOKING)
    ]


def make_lean(trainer: pl.Trainer) -> None:
    """Let a trainer take the short way through its steps, where that makes no difference.

    Every step Lightning calls several hooks of every callback, asks the modules for hooks that they do not have, and
    wraps the optimizer three times; with a small network that takes as long as a tenth of the step. The short way does
    what is left: the same numbers, and the same counters, by which checkpoints, schedules and resuming go.

    Args:
        trainer: At the start of its training.
    """
    parts = (trainer.datamodule, trainer.profiler)  # type: ignore[attr-defined]
    plain = tuple(map(type, parts)) == (DataModule, PassThroughProfiler)
    if not plain or trainer.accumulate_grad_batches > 1 or trainer.precision == "16-mixed" or looking(trainer):
        return
    alone = type(trainer.strategy) is SingleDeviceStrategy
    exchange = None if alone else exchange_of(trainer, trainer.lightning_module)
    if not alone and exchange is None:
        return
    loop = trainer.fit_loop.epoch_loop
    loop.__class__ = _LeanLoop  # it has been set up, and others hold it
    loop.module, loop.exchange = trainer.lightning_module, exchange
    loop.hooks = {name: _hooks(trainer, name) for name in ("on_train_batch_start", "on_train_batch_end")}


def exchanges_apart(trainer: pl.Trainer) -> bool:
    """Whether several processes exchange their gradients once they are computed, and not meanwhile."""
    loop = trainer.fit_loop.epoch_loop
    return isinstance(loop, _LeanLoop) and loop.exchange is not None


class _LeanLoop(_TrainingEpochLoop):
    module: LitVAE
    hooks: dict[str, list[Callable[..., None]]]
    exchange: Exchange | None  # of the gradients of several processes

    def advance(self, data_fetcher: Any) -> None:
        if self.restarting:
            super().advance(data_fetcher)
            return
        trainer, progress = self.trainer, self.batch_progress
        data: DataModule = trainer.datamodule
        self.val_loop.restarting = False
        batch, *_ = next(data_fetcher)
        device = trainer.strategy.root_device
        if device.type != "cpu":  # where batches are made
            batch = data.transfer_batch_to_device(batch, device, 0)
        batch = data.on_after_batch_transfer(batch, 0)
        batch_idx = self.batch_idx + 1
        progress.is_last_batch = data_fetcher.done
        progress.increment_ready()
        connector = trainer._logger_connector
        connector.on_batch_start(batch)
        self._call("on_train_batch_start", batch, batch_idx)
        progress.increment_started()
        loss = self._step(batch, batch_idx)
        progress.increment_processed()
        self._call("on_train_batch_end", {"loss": loss.detach()}, batch, batch_idx)
        has_logged = bool(self._results)
        if has_logged:
            connector.on_batch_end()
        progress.increment_completed()
        if has_logged:
            connector.update_train_step_metrics()

    def _step(self, batch: Batch, batch_idx: int) -> Tensor:
        trainer, progress = self.trainer, self.automatic_optimization.optim_progress.optimizer.step
        module = self.module
        progress.increment_ready()
        with trainer.precision_plugin.forward_context():
            loss = module.training_step(batch, batch_idx)
        if not module.steps.done:
            optimizer = trainer.optimizers[0]
            for group in optimizer.param_groups:
                for weight in group["params"]:
                    weight.grad = None
            module.backward(loss)
            if self.exchange is not None:
                self.exchange()
            module.move(optimizer)
        progress.increment_completed()
        return loss

    def _call(self, name: str, *args: Any) -> None:
        """Call the hooks of this name, the module's last; what one of them logs is logged by that name."""
        module = self.module
        module.__dict__["_current_fx_name"] = name  # past the search through parameters of setattr
        for hook in self.hooks[name]:
            hook(self.trainer, module, *args)
        getattr(module, name)(*args)
        module.__dict__["_current_fx_name"] = None


def _callbacks(trainer: pl.Trainer) -> list[pl.Callback]:
    callbacks: list[pl.Callback] = trainer.callbacks  # type: ignore[attr-defined]
    return callbacks


def _hooks(trainer: pl.Trainer, name: str) -> list[Callable[..., None]]:
    return [getattr(c, name) for c in _callbacks(trainer) if is_overridden(name, c, pl.Callback)]
