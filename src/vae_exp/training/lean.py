"""Lightning's step without what nobody listens to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
from pytorch_lightning.loops.optimization.automatic import _AutomaticOptimization
from pytorch_lightning.utilities.model_helpers import is_overridden
from torch.optim import Optimizer

if TYPE_CHECKING:
    from vae_exp.training.lit import LitVAE

LOOKING = ("on_before_backward", "on_after_backward", "on_before_optimizer_step", "on_before_zero_grad")
"""Hooks of callbacks that see gradients."""


def looking(trainer: pl.Trainer) -> list[str]:
    """The callbacks that see gradients, by the names of their classes."""
    callbacks: list[pl.Callback] = trainer.callbacks  # type: ignore[attr-defined]
    return [type(c).__name__ for c in callbacks if any(is_overridden(name, c, pl.Callback) for name in LOOKING)]


def make_lean(trainer: pl.Trainer) -> None:
    """Let a trainer take the short way through its steps, where that makes no difference.

    Every step Lightning calls four hooks of every callback around the backward pass, and wraps the optimizer three
    times; with a small network that takes as long as a tenth of the step. The short way does what is left: the same
    numbers, and the same counters, by which checkpoints, schedules and resuming go.

    Args:
        trainer: At the start of its training.
    """
    several = trainer.world_size > 1 or trainer.accumulate_grad_batches > 1
    loop = trainer.fit_loop.epoch_loop
    if several or trainer.precision == "16-mixed" or looking(trainer):
        return
    lean = _Lean(trainer)
    lean.optim_progress = loop.automatic_optimization.optim_progress
    loop.automatic_optimization = lean


class _Lean(_AutomaticOptimization):
    def run(self, optimizer: Optimizer, batch_idx: int, kwargs: Any) -> dict[str, Any]:
        module: LitVAE = self.trainer.lightning_module  # type: ignore[assignment]
        progress = self.optim_progress.optimizer.step
        progress.increment_ready()
        with self.trainer.precision_plugin.train_step_context():
            loss = module.training_step(*kwargs.values())
        if not module.steps.done:
            for group in optimizer.param_groups:
                for weight in group["params"]:
                    weight.grad = None
            module.backward(loss)
            module.move(optimizer)
        progress.increment_completed()
        return {"loss": loss.detach()}
