"""Priors of one latent group."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from torch import Tensor, nn
from torch.distributions import Distribution

from vae_exp.types import Space

Encode = Callable[[Tensor], Distribution]


class Prior(nn.Module, ABC):
    """p(z).

    Args:
        event_shape: Shape of the latent, (latent_dim,).
        x_shape: Shape of an example, which priors made of the encoder need.
    """

    space: Space = "real"
    """Where its samples lie."""

    of_encoder: bool = False
    """Whether it is made of the encoder."""

    def __init__(self, *, event_shape: tuple[int, ...], x_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.event_shape, self.x_shape = tuple(event_shape), tuple(x_shape)

    @abstractmethod
    def forward(self, encode: Encode) -> Distribution:
        """The prior, batch_shape []; it is handed the encoder, of which some priors are made."""
