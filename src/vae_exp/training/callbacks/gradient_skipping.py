"""Steps with a gradient that is too large are skipped."""

from __future__ import annotations

import pytorch_lightning as pl
import torch
from torch.optim import Optimizer

from vae_exp.errors import UserError
from vae_exp.training.lit import LitVAE
from vae_exp.types import NonNegative


class GradientSkipping(pl.Callback):
    """Skip a step whose gradient, of the model's parameters, has a norm above a threshold.

    Such a gradient is made infinite, and so the step is skipped like any that is not finite: on the device, counted in
    train/skipped_steps and limited by training.max_skipped_steps. Unlike clipping it lets nothing of it into the
    weights and the optimizer's moments.

    Args:
        threshold: Largest norm that is let through, before clipping; 0 turns it off.

    Raises:
        UserError: The precision is 16-mixed, which decides before this what is skipped.

    Source: Child, 2021, "Very deep VAEs", sec. 3.1 and app. A, arXiv:2011.10650
    """

    def __init__(self, *, threshold: NonNegative) -> None:
        self.threshold = threshold

    def on_fit_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if self.threshold and trainer.precision == "16-mixed":
            raise UserError("callbacks.gradient_skipping: goes with any trainer.precision but 16-mixed; use bf16-mixed")
        if not self.threshold:  # off: whatever looks at gradients keeps the training loop from its short way
            trainer.callbacks = [c for c in trainer.callbacks if c is not self]  # type: ignore[attr-defined]

    @torch.no_grad()
    def on_before_optimizer_step(self, trainer: pl.Trainer, module: pl.LightningModule, optimizer: Optimizer) -> None:
        assert isinstance(module, LitVAE)
        grads = [p.grad for p in module.model.parameters() if p.grad is not None]
        too_large = torch.nn.utils.get_total_norm(grads) > self.threshold
        # One number is enough, and where it stands is chosen without waiting for the device.
        one = grads[0].view(-1)[:1]
        one.copy_(torch.where(too_large, torch.full_like(one, torch.inf), one))
