"""Heads turn a network's output into a distribution."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from vae_exp.types import Space, Values


class Head(nn.Module, ABC):
    """Parameters -> distribution over an event of a known shape.

    Args:
        event_shape: Shape of one event; its first axis carries the parameters' channels.
    """

    params_per_dim: int

    def __init__(self, *, event_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.event_shape = tuple(event_shape)

    @property
    def params_shape(self) -> tuple[int, ...]:
        """Shape that a network must give for one event."""
        return (self.params_per_dim * self.event_shape[0], *self.event_shape[1:])

    @property
    def event_ndim(self) -> int:
        """Number of axes of an event."""
        return len(self.event_shape)

    def split(self, params: Tensor) -> tuple[Tensor, ...]:
        """One tensor of the event's shape for each parameter, in float32 at least: under autocast nets give halves."""
        params = params.to(torch.promote_types(params.dtype, torch.float32))
        # A piece that is the whole would be copied on the way back.
        return (params,) if self.params_per_dim == 1 else params.chunk(self.params_per_dim, dim=-self.event_ndim)

    @abstractmethod
    def forward(self, params: Tensor) -> Distribution:
        """The distribution, params [..., *params_shape] -> batch_shape [...], event_shape as constructed."""


class Posterior(Head, ABC):
    """A head for q(z|x), whose distributions have `rsample`."""

    space: Space = "real"
    """Where its samples lie; a prior must live on the same space."""

    density: bool = True
    """Whether q(z|x) has a density, without which there is no rate."""

    sample_density: bool = True
    """Whether the samples drawn in training have one; relaxed samples of discrete latents do not."""

    covers: bool = True
    """Whether q(z|x) > 0 wherever p(z) > 0, without which importance sampling gives no likelihood."""

    @property
    def prior_shape(self) -> tuple[int, ...]:
        """Shape of what the prior is a distribution of: of a latent, unless that stands for codes."""
        return self.event_shape

    def latents_of(self, p: Distribution) -> Distribution:
        """The prior as a distribution of latents: itself, unless they stand for codes."""
        return p


class Likelihood(Head, ABC):
    """A head for p(x|z)."""

    discrete: bool
    """Whether p(x|z) is a probability mass, so that bits per dimension are defined."""

    of_the_batch = False
    """Whether in training it is fitted to all that it scores at once."""

    def params_of_mean(self, mean: Tensor) -> Tensor:
        """Parameters of a distribution around a mean, at which a decoder's output can start.

        Args:
            mean: Mean of the data, event_shape, in [0, 1].

        Returns:
            params_shape.

        Raises:
            ValueError: the likelihood has no such parameters.
        """
        del mean
        raise ValueError(
            f"start_at_data_mean=true does not go with {type(self).__name__}; use model.start_at_data_mean=false"
        )

    def suffix(self, values: Values) -> str:
        """What is added to the names of figures that would be no log-likelihood on such data; "" where they are one.

        Raises:
            ValueError: the likelihood does not apply to such data.
        """
        del values
        return ""
