"""Steps that would put a nan into the weights are skipped; too many in a row end the run."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.optim import Optimizer

from vae_exp.errors import UserError


class NonFiniteGuard:
    """Skip the optimizer step when the gradient's norm is nan or infinite.

    Counts live on the device and are read only when the training loop logs, so that no step waits for the device.

    Args:
        max_skipped_steps: Skipped steps in a row that end the run.
    """

    def __init__(self, *, max_skipped_steps: int) -> None:
        self.max_skipped_steps = max_skipped_steps
        self._in_a_row = torch.zeros(())
        self._longest = torch.zeros(())
        self._total = torch.zeros(())

    def to(self, device: torch.device) -> None:
        """Count on a device."""
        self._in_a_row, self._longest, self._total = (count.to(device) for count in self._state())

    def note(self, norm: Tensor) -> Tensor:
        """Count a step; returns whether its norm is nan or infinite, [] bool."""
        bad = ~torch.isfinite(norm)
        self._in_a_row.add_(bad).mul_(bad)
        self._longest.copy_(torch.maximum(self._longest, self._in_a_row))
        self._total.add_(bad)
        return bad

    def watch(self, optimizer: Optimizer, norm: Tensor) -> None:
        """Let the coming step of the optimizer pass only if the norm of its gradients is finite."""
        bad = self.note(norm).float()
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
                f"the gradient was nan or infinite {longest:.0f} steps in a row "
                f"(training.max_skipped_steps={self.max_skipped_steps}); a smaller optimizer.lr, "
                "trainer.gradient_clip_val=1 or trainer.precision=32-true may help, and so may a larger "
                "callbacks.gradient_skipping.threshold where there is one"
            )
        return int(total)

    def _state(self) -> tuple[Tensor, Tensor, Tensor]:
        return self._in_a_row, self._longest, self._total
