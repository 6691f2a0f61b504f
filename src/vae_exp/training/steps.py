"""How the training loop takes its steps: eagerly, or by a compiled graph."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Literal

import pytorch_lightning as pl
import torch
from torch import Tensor

from vae_exp.compiling import reason_of
from vae_exp.training import adam
from vae_exp.training.compiled import CompiledStep, Taken, Update
from vae_exp.training.guard import Guard
from vae_exp.training.lean import exchanges_apart, looking
from vae_exp.training.objective import Means, Objective
from vae_exp.training.worth import Worth
from vae_exp.types import Batch

log = logging.getLogger(__name__)

Way = Literal["eager", "compiled", "auto"]


class Steps:
    """Forward and backward of each step, in either way; what is not compiled is left to Lightning.

    The first step of a run is eager whatever the way, so that the optimizer has its state.

    Args:
        objective: What is minimised.
        way: eager; compiled; or auto, which compiles where what is left of the run pays for it.
        guard: Passes over steps whose gradient is not finite, or too large.
    """

    def __init__(self, *, objective: Objective, way: Way, guard: Guard) -> None:
        self.guard, self.norm = guard, torch.zeros(())
        self._step: Callable[[], Any] | None = None
        self.followers: list[Callable[[], None]] = []  # what moves after the weights, such as their average
        self._objective, self._way = objective, way
        self._worth: Worth | None = None
        self._compiled: CompiledStep | None = None
        self._taken: Taken | None = None
        self._factor = 1.0

    def begin(self, trainer: pl.Trainer) -> None:
        """Get ready for a run, or for the rest of one."""
        self.norm = self.norm.to(trainer.strategy.root_device)
        self._compiled = None
        optimizer = trainer.optimizers[0]
        adam.lay_out(optimizer)
        self._step = adam.FusedStep(optimizer) if adam.can_be_short(optimizer) else optimizer.step
        self._worth = Worth(trainer) if self._way == "auto" else None
        reason = None if self._way == "eager" else _refusal(trainer)
        self._trainer = trainer
        self._wanted = self._way != "eager" and reason is None
        if reason is not None:
            log.warning("trainer.step=%s: the step is not compiled, since %s", self._way, reason)

    def take(self, batch: Batch, factor: float) -> tuple[Tensor, Means]:
        """The loss of a batch and the means of its terms; `factor` is that of its gradient in the step's."""
        self._taken, self._factor = None, factor
        if self._wanted and self._is_time():
            self._taken = self._by_graph(batch)
        if self._taken is None:
            loss, terms = self._objective(batch)
            return loss if factor == 1 else loss * factor, Means.of(terms)
        if self._taken.norm is not None and self._taken.refused is not None:
            self.norm = self._taken.norm
            self.guard.note(self._taken.refused.clone())  # the graph's next step may write where this one has
        return self._taken.loss, self._taken.terms

    def backward(self, loss: Tensor) -> None:
        """Add the gradient to those of the weights, unless the graph has used it."""
        if self._taken is None:
            loss.backward()
        elif self._taken.grads is not None:
            share = self._factor / self._trainer.accumulate_grad_batches
            for name, weight in self._objective.named_parameters():
                if name in self._taken.grads:
                    grad = self._taken.grads[name] * share
                    weight.grad = grad if weight.grad is None else weight.grad + grad

    def move(self) -> None:
        """Move the weights by their gradients, as the optimizer does."""
        assert self._step is not None  # `begin` comes first
        self._step()

    def follow(self) -> None:
        """Move what follows the weights."""
        for follow in self.followers:
            follow()

    @property
    def done(self) -> bool:
        """Whether the step has moved the weights, and all that follows them."""
        return self._taken is not None and self._taken.grads is None

    def _is_time(self) -> bool:
        optimizer = self._trainer.optimizers[0]
        begun = bool(optimizer.state) or self._trainer.global_step > 0
        if self._trainer.world_size > 1 and self._trainer.fit_loop.epoch_loop.restarting:
            return False  # Lightning takes the first step of a run that goes on, and exchanges gradients as it has them
        return begun and (self._worth is None or self._worth.pays())

    def _by_graph(self, batch: Batch) -> Taken | None:
        try:
            if self._compiled is None:
                self._compiled = CompiledStep(self._objective, self._update())
            return self._compiled(batch)
        except Exception as error:  # whatever a compiler may raise, of which torch has many
            if self._compiled is not None and self._compiled.ran:
                raise
            text = "trainer.step=%s: this step cannot be compiled, and goes on eagerly: %s"
            log.warning(text, self._way, reason_of(error))
            self._wanted = False
            return None

    def _update(self) -> Update | None:
        """What the graph does with gradients; None where something outside of it needs them."""
        trainer = self._trainer
        optimizer = trainer.optimizers[0]
        watchers = looking(trainer)
        reasons = [
            adam.refusal(optimizer),
            "gradients are accumulated" if trainer.accumulate_grad_batches > 1 else None,
            "several processes exchange them" if trainer.world_size > 1 else None,
            f"{watchers[0]} looks at gradients" if watchers else None,
        ]
        outside = next(filter(None, reasons), None)
        if outside is not None:
            log.info("the compiled step ends with the gradients, since %s", outside)
            return None
        bound, algorithm = trainer.gradient_clip_val, trainer.gradient_clip_algorithm
        return Update(optimizer, self.guard, bound, algorithm, self.followers)  # type: ignore[arg-type]


def _refusal(trainer: pl.Trainer) -> str | None:
    """Why the steps of a run are not compiled at all; None where they can be."""
    if trainer.world_size > 1 and not exchanges_apart(trainer):
        return "several processes exchange their gradients while they are computed"
    if trainer.precision == "16-mixed":
        return "the scaler of trainer.precision=16-mixed must see the gradients"
    return None
