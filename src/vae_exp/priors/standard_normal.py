"""The prior with nothing to learn."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent

from vae_exp.distributions.unit_normal import UnitNormal
from vae_exp.priors.base import Encode, Prior


class StandardNormal(Prior):
    """p(z) = N(z; 0, 1).

    Source: Kingma & Welling, 2014, "Auto-encoding variational Bayes", sec. 3, arXiv:1312.6114
    """

    loc: Tensor
    scale: Tensor

    def __init__(self, *, event_shape: tuple[int, ...], x_shape: tuple[int, ...]) -> None:
        super().__init__(event_shape=event_shape, x_shape=x_shape)
        self.register_buffer("loc", torch.zeros(event_shape), persistent=False)
        self.register_buffer("scale", torch.ones(event_shape), persistent=False)

    def forward(self, encode: Encode) -> Distribution:
        del encode
        return Independent(UnitNormal(self.loc, self.scale), len(self.event_shape))
