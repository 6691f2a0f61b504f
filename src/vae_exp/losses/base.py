"""What every loss is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor, nn

from vae_exp.types import Batch, Context, LossOutput, VAEOutput


class Loss(nn.Module, ABC):
    """A model's output and its batch -> the number to minimise and the terms it is made of."""

    num_samples: int = 1
    """Latents drawn for each example, K."""

    @abstractmethod
    def forward(self, out: VAEOutput, batch: Batch, ctx: Context) -> LossOutput:
        """The loss, a mean over the batch of sums over data and latent dimensions, and its unweighted terms."""

    def weights(self) -> dict[str, Tensor]:
        """The present weights of the terms, by name, for the logs."""
        return {}

    def param_groups(self) -> list[dict[str, Any]]:
        """Optimizer groups of the loss's own parameters; none unless it owns a network."""
        return []
