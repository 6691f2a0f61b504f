"""Priors of one latent group."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from torch import Tensor, nn
from torch.distributions import Distribution

Encode = Callable[[Tensor], Distribution]


class Prior(nn.Module, ABC):
    """p(z).

    Args:
        event_shape: Shape of the latent, (latent_dim,).
    """

    def __init__(self, *, event_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.event_shape = tuple(event_shape)

    @abstractmethod
    def forward(self, encode: Encode) -> Distribution:
        """The prior, batch_shape []; it is handed the encoder, of which some priors are made."""
