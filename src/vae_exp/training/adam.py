"""Adam by itself, for a compiled step and for a short eager one: the numbers and the state of torch.optim's."""

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
        self._counts = _together(group["params"], state)
        self._places = [place for place, weight in enumerate(group["params"]) if weight in state]
        self._first = [state[weight]["exp_avg"] for weight in self.weights]
        self._second = [state[weight]["exp_avg_sq"] for weight in self.weights]
        self._count_of = [state[weight]["step"] for weight in self.weights]
        # A tensor, so that a schedule changes a number and not the graph.
        self.lr = torch.zeros((), device=group["params"][0].device)
        self._betas, self._eps, self._weight_decay = group["betas"], group["eps"], group["weight_decay"]
        self._decoupled = decoupled

    def step(self, grads: list[Tensor], good: Tensor) -> None:
        """Move weights and state, unless `good` ([], bool) is false; to be compiled."""
        (beta1, beta2), decay = self._betas, self._weight_decay
        steps = self._counts + 1
        sizes, roots = self.lr / (1 - beta1**steps), (1 - beta2**steps).sqrt()
        for place, weight, grad, first, second in zip(
            self._places, self.weights, grads, self._first, self._second, strict=True
        ):
            start = weight * (1 - self.lr * decay) if self._decoupled and decay else weight
            slope = grad + decay * weight if decay and not self._decoupled else grad
            mean, square = torch.lerp(first, slope, 1 - beta1), beta2 * second + (1 - beta2) * slope * slope
            moved = start - sizes[place] * mean / (square.sqrt() / roots[place] + self._eps)
            for old, new in ((weight, moved), (first, mean), (second, square)):
                old.copy_(torch.where(good, new, old))
        self._counts.copy_(torch.where(good, steps, self._counts))

    @torch.no_grad()
    def fused_step(self, grads: list[Tensor], found_inf: Tensor, settings: dict[str, Any]) -> None:
        """Move weights and state by torch's own kernel, unless `found_inf` ([], 0 or 1) is 1; not to be compiled.

        Args:
            grads: Gradients of the weights.
            found_inf: Whether to leave all as it is.
            settings: The optimizer's of the group, as they are now.
        """
        beta1, beta2 = settings["betas"]
        self._counts.add_(1 - found_inf)
        kernel = torch._fused_adamw_ if self._decoupled else torch._fused_adam_
        kernel(
            self.weights,
            grads,
            self._first,
            self._second,
            [],
            self._count_of,
            lr=settings["lr"],
            beta1=beta1,
            beta2=beta2,
            weight_decay=settings["weight_decay"],
            eps=settings["eps"],
            amsgrad=False,
            maximize=False,
            found_inf=found_inf,
        )


class FusedStep:
    """`optimizer.step()` of a fused Adam or AdamW without what torch looks up and asks anew at every step.

    That takes a twentieth of the step of a small network. Whatever is not as it was, such as a weight with its first
    gradient or a state that has been loaded, is left to the optimizer itself.

    Args:
        optimizer: As `can_be_short` wants it.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self._optimizer = optimizer
        self._groups: list[AdamGroup] = []
        self._state: Any = None  # that the groups are made of; loading another replaces it

    def __call__(self) -> None:
        """Move the weights by their gradients, unless the optimizer's `found_inf` is 1."""
        given = self._optimizer.param_groups
        grads = [[weight.grad for weight in group.weights if weight.grad is not None] for group in self._groups]
        with_grad = sum(weight.grad is not None for group in given for weight in group["params"])
        as_before = sum(map(len, grads)) == with_grad == sum(len(group.weights) for group in self._groups)
        if self._state is not self._optimizer.state or not as_before:
            self._optimizer.step()
            self._groups, self._state = groups_of(self._optimizer), self._optimizer.state
            return
        for group, of_group, settings in zip(self._groups, grads, given, strict=True):
            if of_group:
                group.fused_step(of_group, self._optimizer.found_inf, settings)  # type: ignore[attr-defined]


def can_be_short(optimizer: Optimizer) -> bool:
    """Whether `FusedStep` can take the optimizer's steps."""
    if refusal(optimizer) or not optimizer.defaults["fused"]:
        return False
    alike = [{(weight.device, weight.dtype) for weight in group["params"]} for group in optimizer.param_groups]
    heard = optimizer._optimizer_step_pre_hooks or optimizer._optimizer_step_post_hooks
    return all(len(kinds) == 1 for kinds in alike) and not heard


def lay_out(optimizer: Optimizer) -> None:
    """Lay the state of each weight out in memory as the weight is, which fused kernels take for granted.

    A run that goes on where another kind of device has begun it finds the layout of that one in the checkpoint.
    """
    for weight, state in optimizer.state.items():
        for name, value in state.items():
            if isinstance(value, Tensor) and value.shape == weight.shape and value.stride() != weight.stride():
                state[name] = torch.empty_like(weight, dtype=value.dtype).copy_(value)


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


def _together(weights: list[Tensor], state: dict[Tensor, dict[str, Tensor]]) -> Tensor:
    """The steps of each weight of a group, [weights], of which the state's own counts become entries.

    So one addition counts for all of them. Entries of weights without a state mean nothing yet.
    """
    bases = [state[weight]["step"]._base for weight in weights if weight in state]
    shared = next(
        (base for base in bases if base is not None), None
    )  # by which another group of the same weights counts
    counts = torch.zeros(len(weights), device=weights[0].device) if shared is None else shared
    for place, weight in enumerate(weights):
        if weight in state and state[weight]["step"]._base is not counts:
            counts[place] = state[weight]["step"]
            state[weight]["step"] = counts[place]
    return counts
