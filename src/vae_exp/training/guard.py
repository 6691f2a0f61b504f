"""Steps with a gradient that is not finite, or too large, are skipped; too many in a row end the run."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.optim import Optimizer

from vae_exp.errors import UserError

LARGEST = torch.finfo(torch.float32).max
"""Norms above it are infinite."""

MOST_UNCOUNTED = 1000
"""Steps after which their tensors are let go, where the loop logs less often."""


class Guard:
    """Skip the optimizer step when the gradient's norm is nan, infinite or above a bound.

    What became of a step is read only when the training loop logs, so that no step waits for the device.

    Args:
        max_skipped_steps: Skipped steps in a row that end the run.
        skip_above: Largest norm of the model's gradient that is let through, before clipping; None for any. Unlike
            clipping it lets nothing of a larger one into the weights and the optimizer's moments.

    Source: of skip_above: Child, 2021, "Very deep VAEs", sec. 3.1 and app. A, arXiv:2011.10650
    """

    def __init__(self, *, max_skipped_steps: int, skip_above: float | None) -> None:
        self.max_skipped_steps = max_skipped_steps
        self._bound = skip_above
        self._uncounted: list[Tensor] = []
        self._in_a_row = self._longest = self._total = self._steps = 0

    def refuses(self, norms: Tensor) -> Tensor:
        """Whether a step is skipped, [] bool, by the norms of its gradients, the model's first."""
        good = (norms <= LARGEST).all()  # nan is never below anything
        return ~(good if self._bound is None else good & (norms[0] <= self._bound))

    def note(self, refused: Tensor) -> None:
        """Count a step."""
        self._uncounted.append(refused)
        if len(self._uncounted) == MOST_UNCOUNTED:
            self._count()

    def watch(self, optimizer: Optimizer, norms: Tensor) -> None:
        """Let the coming step of the optimizer pass only if its gradients are as they should be."""
        refused = self.refuses(norms)
        self.note(refused)
        bad = refused.float()
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
        self._count()
        if self._longest >= self.max_skipped_steps:
            raise UserError(
                f"the gradient was nan, infinite or above training.skip_above {self._longest} steps in a row "
                f"(training.max_skipped_steps={self.max_skipped_steps}); a smaller optimizer.lr, "
                "trainer.gradient_clip_val=1 or trainer.precision=32-true may help"
            )
        return self._total

    def refuse_standstill(self) -> None:
        """Check that some step of a run was taken, where there were any.

        Raises:
            UserError: All were skipped.
        """
        if self.skipped() == self._steps > 0:
            raise UserError(
                f"the gradient of all {self._steps} steps was nan, infinite or above training.skip_above: "
                "nothing was learned"
            )

    def _count(self) -> None:
        for refused in torch.stack(self._uncounted).tolist() if self._uncounted else []:
            self._in_a_row = self._in_a_row + 1 if refused else 0
            self._longest = max(self._longest, self._in_a_row)
            self._total += refused
            self._steps += 1
        self._uncounted.clear()
