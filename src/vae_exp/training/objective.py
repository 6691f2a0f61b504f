"""What a training step minimises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vae_exp.errors import UserError, of_kind
from vae_exp.losses.base import Loss
from vae_exp.models.base import Model
from vae_exp.types import Batch, Context, LossOutput


class Means(NamedTuple):
    """The means of a step's terms, together on the device."""

    names: tuple[str, ...]
    values: Tensor  # [terms] float32

    @classmethod
    def of(cls, terms: Mapping[str, Tensor]) -> Means:
        """The mean of each term, whatever its shape, without a gradient."""
        singles = [term.detach().float() for term in terms.values()]
        return cls(tuple(terms), torch.stack([x.mean() if x.ndim else x for x in singles]))


class Objective(nn.Module):
    """A model and its loss as one module, with the parameters of both.

    Args:
        model: What is trained.
        loss: What it is trained by.
        context: What the loss is told besides.
    """

    def __init__(self, *, model: Model, loss: Loss, context: Context) -> None:
        super().__init__()
        self.model, self.loss, self.context = model, loss, context

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of a batch, [], and its terms and itself; nats."""
        batch = self.loss.prepare(batch)
        out = self.model(batch, self.loss.num_samples)
        result = of_kind(self.loss(out, batch, self.context), LossOutput, "loss: what it gives")
        if result.loss.ndim:
            shape = list(result.loss.shape)
            raise UserError(f"loss: has the shape {shape}, where one number should be, a mean over the batch")
        return result.loss, {**result.terms, "loss": result.loss}
