"""The prior over codes with nothing to learn."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Categorical, Distribution, Independent

from vae_exp.priors.base import Encode, Prior
from vae_exp.types import Space


class UniformCodes(Prior):
    """p(c) = categories^(-positions): every rate is positions * log(categories) nats.

    Args:
        event_shape: Shape of what it is a distribution of, (positions, categories).
        x_shape: Not needed.

    Raises:
        ValueError: the latents are no codes.

    Source: van den Oord et al., 2017, "Neural discrete representation learning", sec. 3.1, arXiv:1711.00937
    """

    space: Space = "codes"
    logits: Tensor

    def __init__(self, *, event_shape: tuple[int, ...], x_shape: tuple[int, ...]) -> None:
        super().__init__(event_shape=event_shape, x_shape=x_shape)
        self.register_buffer("logits", torch.zeros(shape_of_codes(event_shape)), persistent=False)

    def forward(self, encode: Encode) -> Distribution:
        del encode
        return Independent(Categorical(logits=self.logits), 1)


def shape_of_codes(event_shape: tuple[int, ...]) -> tuple[int, int]:
    """Positions and categories of what a prior over codes is a distribution of.

    Raises:
        ValueError: the latents are no codes.
    """
    if len(event_shape) != 2:
        raise ValueError("a prior over codes needs a posterior of codes; use it with model/posterior=vq or fsq")
    positions, categories = event_shape
    return positions, categories
