"""The exponential moving average of the weights."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from vae_exp.training.callbacks.checkpoint import fitting
from vae_exp.training.lit import LitVAE
from vae_exp.types import Fraction


class EMA(pl.Callback):
    """average <- d_n * average + (1 - d_n) * weights, after every optimizer step; evaluation uses the average.

    d_n = min(decay, (1 + n) / (10 + n)) after n steps: at first the average is one of the newest tenth of the steps,
    and keeps nothing of the weights, and the buffers, that a run begins with.

    Args:
        decay: Share of the old average, in [0, 1); 0 turns it off.

    Source: Polyak & Juditsky, 1992, "Acceleration of stochastic approximation by averaging"; for VAEs: Child, 2021,
        "Very deep VAEs", app. A, arXiv:2011.10650; d_n is that of TensorFlow's ExponentialMovingAverage
    """

    def __init__(self, *, decay: Fraction) -> None:
        self.decay = decay
        self._average: dict[str, Tensor] = {}
        self._live: dict[str, Tensor] = {}
        self._steps = torch.zeros(())  # a tensor, so that a compiled step counts it

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        assert isinstance(module, LitVAE)
        if self.decay:
            self._live = _weights(module)
            start = self._average or self._live
            self._average = {name: w.detach().to(module.device, copy=True) for name, w in start.items()}
            self._steps = torch.tensor(float(trainer.global_step), device=module.device)
            module.steps.followers.append(self.follow)

    @torch.no_grad()
    def follow(self) -> None:
        """Move the average one step; the training loop calls it, or compiles it into its step."""
        average, live = list(self._average.values()), list(self._live.values())
        apart = torch._foreach_sub(live, average)
        torch._foreach_mul_(apart, (9 / (10 + self._steps)).clamp_min(1 - self.decay))
        torch._foreach_add_(average, apart)
        self._steps += 1

    def on_validation_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if fitting(trainer):
            self._swap()

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if fitting(trainer):
            self._swap()

    @torch.no_grad()
    def _swap(self) -> None:
        for name, average in self._average.items():
            held = average.clone()
            average.copy_(self._live[name])
            self._live[name].copy_(held)

    def on_save_checkpoint(self, trainer: pl.Trainer, module: pl.LightningModule, checkpoint: dict[str, Any]) -> None:
        checkpoint["average"] = {name: average.clone() for name, average in self._average.items()}

    def on_load_checkpoint(self, trainer: pl.Trainer, module: pl.LightningModule, checkpoint: dict[str, Any]) -> None:
        if self.decay:
            self._average = checkpoint.get("average", {})


def _weights(module: LitVAE) -> dict[str, Tensor]:
    """Parameters, and buffers such as the statistics of batch norm, which go with them; themselves, and no copies."""
    kept = module.model.state_dict(keep_vars=True)
    return {name: weight for name, weight in kept.items() if weight.is_floating_point()}
