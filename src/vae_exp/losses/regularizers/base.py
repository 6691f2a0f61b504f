"""What every regularizer of a decoder is."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from vae_exp.losses.base import weight as tensor_of
from vae_exp.types import Batch, Context, NonNegative, VAEOutput


class Regularizer(nn.Module, ABC):
    """A model and its output -> a penalty for a decoder that is not smooth.

    Args:
        weight: Weight of the penalty in the loss.
    """

    needs: tuple[str, ...] = ()
    """Properties of a model (see `Model.properties`) without which it has no meaning."""

    def __init__(self, weight: NonNegative) -> None:
        super().__init__()
        self.weight = tensor_of(weight)

    @abstractmethod
    def forward(self, out: VAEOutput, batch: Batch, ctx: Context) -> Tensor:
        """The penalty, unweighted, [] or [K, B]."""
