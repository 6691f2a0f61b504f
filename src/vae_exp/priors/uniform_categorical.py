"""The uniform prior of categorical latents."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Distribution

from vae_exp.distributions.one_hots import OneHots, num_variables
from vae_exp.priors.base import Encode, Prior
from vae_exp.types import Count, Space


class UniformCategorical(Prior):
    """p(z) = categories^(-variables) on one-hot vectors side by side, latent_dim = variables times categories.

    Args:
        event_shape: Shape of the latent, (latent_dim,).
        x_shape: Not needed.
        categories: Categories of each variable.

    Raises:
        ValueError: latent_dim is no multiple of the categories.

    Source: Jang et al., 2017, "Categorical reparameterization with Gumbel-softmax", sec. 4.2, arXiv:1611.01144
    """

    space: Space = "one_hot"
    logits: Tensor

    def __init__(self, *, event_shape: tuple[int, ...], x_shape: tuple[int, ...], categories: Count) -> None:
        super().__init__(event_shape=event_shape, x_shape=x_shape)
        logits = torch.zeros(num_variables(event_shape[0], categories), categories)
        self.register_buffer("logits", logits, persistent=False)

    def forward(self, encode: Encode) -> Distribution:
        del encode
        return OneHots(self.logits, temperature=None)
