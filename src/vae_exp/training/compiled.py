"""The training step as one compiled graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.func import functional_call, grad_and_value
from torch.optim import Optimizer

from vae_exp.compiling import compiled
from vae_exp.training import adam
from vae_exp.training.gradients import Algorithm, clip, norms_of
from vae_exp.training.guard import Guard
from vae_exp.training.objective import Means, Objective
from vae_exp.types import Batch


class Taken(NamedTuple):
    """What a compiled step gives back."""

    loss: Tensor  # []
    terms: Means  # of the loss, too
    grads: dict[str, Tensor] | None  # None where the weights have been moved already
    norm: Tensor | None  # of the model's gradient, where they have
    refused: Tensor | None  # whether they have been left where they were, [] bool


@dataclass(frozen=True)
class Update:
    """What happens to the gradients inside the graph.

    Args:
        optimizer: Adam or AdamW; see `adam.refusal`.
        guard: Passes over steps whose gradient is not finite, or too large.
        bound: Bound of the clipping, None for no clipping.
        algorithm: By norm or by value.
        followers: What moves after the weights, such as their average.
    """

    optimizer: Optimizer
    guard: Guard
    bound: float | None
    algorithm: Algorithm | None
    followers: Sequence[Callable[[], None]]


class CompiledStep:
    """Forward, loss and backward in one graph, and with them, where there is an `update`, all that moves the weights.

    The graph is made for the largest batches; a shorter one, such as an epoch's last, is for the eager step, so that
    nothing is compiled again. Graphs are shared by all runs of a process that differ in nothing but numbers.

    Args:
        objective: What is minimised.
        update: What is done with the gradients; None to hand them out.
    """

    def __init__(self, objective: Objective, update: Update | None) -> None:
        self._objective, self._update = objective, update
        self._weights = {n: w for n, w in objective.named_parameters() if w.requires_grad}
        # State that a forward pass may change, such as that of batch norm: it must go in and come out.
        kept = objective.state_dict(keep_vars=True)
        self._moving = {name: buffer for name, buffer in objective.named_buffers() if name in kept}
        self._groups = [] if update is None else adam.groups_of(update.optimizer)
        names = {weight: name for name, weight in self._weights.items()}
        self._names = [[names[weight] for weight in group.weights] for group in self._groups]
        self.ran = False
        self._largest = 0
        self._run = compiled(self._gradients if update is None else self._moved)

    def __call__(self, batch: Batch) -> Taken | None:
        """Take a step, or None where the batch is for the eager one.

        Raises:
            Exception: It cannot be compiled; nothing has been changed.
        """
        size = len(batch["x"])
        if size < self._largest:
            return None
        self._largest, self.ran = size, self.ran and size == self._largest
        if self._update is not None:
            for group, given in zip(self._groups, self._update.optimizer.param_groups, strict=True):
                group.lr.fill_(given["lr"])
        with torch.no_grad():
            taken = self._run(batch)
        self.ran = True
        return taken

    def _gradients(self, batch: Batch) -> Taken:
        def loss_of(weights: dict[str, Tensor], moving: dict[str, Tensor]) -> tuple[Tensor, Any]:
            loss, terms = functional_call(self._objective, (weights, moving), (batch,))
            return loss, (terms, moving)

        weights = {name: weight.detach() for name, weight in self._weights.items()}
        before = {name: buffer.clone() for name, buffer in self._moving.items()}
        grads, (loss, (terms, after)) = grad_and_value(loss_of, has_aux=True)(weights, before)
        for name, buffer in self._moving.items():
            buffer.copy_(after[name])
        return Taken(loss, Means.of(terms), grads, None, None)

    def _moved(self, batch: Batch) -> Taken:
        update = self._update
        assert update is not None
        loss, terms, by_name, *_ = self._gradients(batch)
        assert by_name is not None
        grads = [[by_name[name] for name in names] for names in self._names]
        norms = norms_of(grads)
        refused = update.guard.refuses(norms)
        clip(grads, norms, bound=update.bound, algorithm=update.algorithm)
        for group, of_group in zip(self._groups, grads, strict=True):
            group.step(of_group, ~refused)
        for follow in update.followers:
            follow()
        return Taken(loss, terms, None, norms[0], refused)
