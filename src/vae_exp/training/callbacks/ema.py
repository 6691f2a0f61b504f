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
    """average <- decay * average + (1 - decay) * weights, after every optimizer step; evaluation uses the average.

    Args:
        decay: Share of the old average, in [0, 1); 0 turns it off.

    Source: Polyak & Juditsky, 1992, "Acceleration of stochastic approximation by averaging"; for VAEs: Child, 2021,
        "Very deep VAEs", app. A, arXiv:2011.10650
    """

    def __init__(self, *, decay: Fraction) -> None:
        self.decay = decay
        self._average: dict[str, Tensor] = {}
        self._live: dict[str, Tensor] = {}
        self._step = 0

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if self.decay:
            self._live = _weights(module)
            start = self._average or self._live
            self._average = {name: w.detach().to(module.device, copy=True) for name, w in start.items()}
        self._step = trainer.global_step

    def on_train_batch_end(self, trainer: pl.Trainer, module: pl.LightningModule, *_: Any) -> None:
        if self._average and trainer.global_step > self._step:
            self._step = trainer.global_step
            torch._foreach_lerp_(list(self._average.values()), list(self._live.values()), 1 - self.decay)

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
        self._average = checkpoint.get("average", {})


def _weights(module: pl.LightningModule) -> dict[str, Tensor]:
    """Parameters, and buffers such as the statistics of batch norm, which go with them."""
    assert isinstance(module, LitVAE)
    return {name: weight for name, weight in module.model.state_dict().items() if weight.is_floating_point()}
