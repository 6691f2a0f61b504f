"""Adam as updates of tensors, for a compiled step: the same numbers as torch.optim.Adam and AdamW, and their state."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.optim import Adam, AdamW, Optimizer


class AdamGroup:
    """One group of an optimizer: its weights and its state, which are changed in place.

    Args:
        group: As the optimizer holds it.
        state: The optimizer's state of each weight that has had a gradient; others are left alone.
        decoupled: Whether the weights decay by themselves (AdamW) and not by way of the gradient.

    Source: Kingma & Ba, 2015, "Adam", alg. 1, arXiv:1412.6980; Loshchilov & Hutter, 2019, arXiv:1711.05101
    """

    def __init__(self, group: dict[str, Any], state: dict[Tensor, dict[str, Tensor]], *, decoupled: bool) -> None:
        self.weights = [weight for weight in group["params"] if weight in state]
        self._first = [state[weight]["exp_avg"] for weight in self.weights]
        self._second = [state[weight]["exp_avg_sq"] for weight in self.weights]
        self._counts = [state[weight]["step"] for weight in self.weights]
        # A tensor, so that a schedule changes a number and not the graph.
        self.lr = torch.zeros((), device=self.weights[0].device)
        self._betas, self._eps, self._weight_decay = group["betas"], group["eps"], group["weight_decay"]
        self._decoupled = decoupled

    def step(self, grads: list[Tensor], good: Tensor) -> None:
        """Move weights and state, unless `good` ([], bool) is false."""
        (beta1, beta2), decay = self._betas, self._weight_decay
        for weight, grad, first, second, count in zip(
            self.weights, grads, self._first, self._second, self._counts, strict=True
        ):
            start = weight * (1 - self.lr * decay) if self._decoupled and decay else weight
            slope = grad + decay * weight if decay and not self._decoupled else grad
            steps = count + 1
            mean, square = torch.lerp(first, slope, 1 - beta1), beta2 * second + (1 - beta2) * slope * slope
            size, root = self.lr / (1 - beta1**steps), (1 - beta2**steps).sqrt()
            moved = start - size * mean / (square.sqrt() / root + self._eps)
            for old, new in ((weight, moved), (first, mean), (second, square), (count, steps)):
                old.copy_(torch.where(good, new, old))


def refusal(optimizer: Optimizer) -> str | None:
    """Why an optimizer cannot be part of a compiled step; None where it can."""
    if type(optimizer) not in (Adam, AdamW):
        return f"{type(optimizer).__name__} is not Adam or AdamW"
    options = [name for name in ("amsgrad", "maximize") if optimizer.defaults[name]]
    return f"{' and '.join(options)} is not part of it" if options else None


def groups_of(optimizer: Optimizer) -> list[AdamGroup]:
    """The groups of an Adam or AdamW that has taken a step."""
    decoupled = bool(optimizer.defaults.get("decoupled_weight_decay", isinstance(optimizer, AdamW)))
    return [AdamGroup(group, optimizer.state, decoupled=decoupled) for group in optimizer.param_groups]
