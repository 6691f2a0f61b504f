"""Pixels of which each level has a probability of its own."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent

from vae_exp.distributions.categorical_levels import CategoricalLevels
from vae_exp.heads.base import Likelihood
from vae_exp.heads.likelihoods.levels import check_levels
from vae_exp.types import Count, Values


class CategoricalLikelihood(Likelihood):
    """p(x|z) = prod_d softmax(logits_d(z))_{x_d}, over the levels of each pixel, which know nothing of their order.

    Args:
        event_shape: Shape of x, (channels, height, width).
        levels: Number of levels of a pixel, L; the network gives L numbers for each.

    Raises:
        ValueError: there are fewer than two levels.

    Source: van den Oord et al., 2016, "Pixel recurrent neural networks", sec. 2.2, arXiv:1601.06759
    """

    discrete = True

    def __init__(self, *, event_shape: tuple[int, ...], levels: Count) -> None:
        super().__init__(event_shape=event_shape)
        if levels < 2:
            raise ValueError(f"levels={levels} should be at least 2")
        self.params_per_dim = levels

    def forward(self, params: Tensor) -> Distribution:
        params = params.to(torch.promote_types(params.dtype, torch.float32))
        by_level = params.unflatten(-self.event_ndim, (self.params_per_dim, self.event_shape[0]))
        logits = by_level.movedim(-self.event_ndim - 1, -1)
        return Independent(CategoricalLevels(logits), self.event_ndim)

    def suffix(self, values: Values) -> str:
        check_levels("categorical", self.params_per_dim, values)
        return ""
