"""What every regularizer of a decoder is."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from vae_exp.types import Batch, Context, VAEOutput


class Regularizer(nn.Module, ABC):
    """A model and its output -> a penalty for a decoder that is not smooth."""

    weight: float
    """Weight of the penalty in the loss."""

    needs: tuple[str, ...] = ()
    """Properties of a model (see `Model.properties`) without which it has no meaning."""

    @abstractmethod
    def forward(self, out: VAEOutput, batch: Batch, ctx: Context) -> Tensor:
        """The penalty, unweighted, [] or [K, B]."""
