"""What every fitted density of latents is."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn
from torch.distributions import Distribution


class Sampler(nn.Module, ABC):
    """A density of latents that are real vectors; what `fit` finds is its state, so that it can be saved.

    Args:
        event_shape: Shape of the latent, (latent_dim,).
    """

    def __init__(self, *, event_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.event_shape = tuple(event_shape)

    @abstractmethod
    def fit(self, z: Tensor) -> None:
        """Fit it to latents, [N, *event_shape].

        Raises:
            ValueError: they are too few, or no density can be fitted to them.
        """

    @abstractmethod
    def forward(self) -> Distribution:
        """The density, batch_shape []; before `fit`, one of the same kind."""
