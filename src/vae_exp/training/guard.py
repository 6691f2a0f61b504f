"""Steps with a gradient that is not finite, or too large, are skipped; too many in a row end the run."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.optim import Optimizer

from vae_exp.errors import UserError

LARGEST = torch.finfo(torch.float32).max
"""Norms above it are infinite."""


class Guard:
    """Skip the optimizer step when the gradient's norm is nan, infinite or above a bound.

    Counts live on the device and are read only when the training loop logs, so that no step waits for the device.

    Args:
        max_skipped_steps: Skipped steps in a row that end the run.
        skip_above: Largest norm of the model's gradient that is let through, before clipping; None for any. Unlike
            clipping it lets nothing of a larger one into the weights and the optimizer's moments.

    Source: of skip_above: Child, 2021, "Very deep VAEs", sec. 3.1 and app. A, arXiv:2011.10650
    """

    def __init__(self, *, max_skipped_steps: int, skip_above: float | None) -> None:
        self.max_skipped_steps = max_skipped_steps
        self._bound = skip_above
        self._in_a_row = torch.zeros(())
        self._longest = torch.zeros(())
        self._total = torch.zeros(())

    def to(self, device: torch.device) -> None:
        """Count on a device."""
        self._in_a_row, self._longest, self._total = (count.to(device) for count in self._state())

    def note(self, norms: Tensor) -> Tensor:
        """Count a step by the norms of its gradients, the model's first; returns whether it is skipped, [] bool."""
        good = (norms <= LARGEST).all()  # nan is never below anything
        bad = ~(good if self._bound is None else good & (norms[0] <= self._bound))
        self._in_a_row.add_(bad).mul_(bad)
        self._longest.copy_(torch.maximum(self._longest, self._in_a_row))
        self._total.add_(bad)
        return bad

    def watch(self, optimizer: Optimizer, norms: Tensor) -> None:
        """Let the coming step of the optimizer pass only if its gradients are as they should be."""
        bad = self.note(norms).float()
        if optimizer.defaults.get("fused") and optimizer.state:
            # Fused optimizers read this flag on the device and leave weights and state alone when it is 1. Not so at
            # the first step: SGD would keep a momentum that was never written.
            optimizer.found_inf = bad  # type: ignore[attr-defined]
        elif bad:  # waits for the device, which other optimizers leave no way around
            for group in optimizer.param_groups:
                for parameter in group["params"]:
                    parameter.grad = None

    def skipped(self) -> int:
        """Steps skipped so far.

        Raises:
            UserError: `max_skipped_steps` of them came in a row.
        """
        longest, total = torch.stack((self._longest, self._total)).tolist()
        if longest >= self.max_skipped_steps:
            raise UserError(
                f"the gradient was nan, infinite or above training.skip_above {longest:.0f} steps in a row "
                f"(training.max_skipped_steps={self.max_skipped_steps}); a smaller optimizer.lr, "
                "trainer.gradient_clip_val=1 or trainer.precision=32-true may help"
            )
        return int(total)

    def _state(self) -> tuple[Tensor, Tensor, Tensor]:
        return self._in_a_row, self._longest, self._total
