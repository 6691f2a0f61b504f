"""The normal distribution with mean 0 and variance 1."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.distributions import Normal, register_kl


class UnitNormal(Normal):
    """N(0, 1), made of a mean of 0 and a scale of 1; a type of its own, since KL divergences to it are simpler."""


@register_kl(Normal, UnitNormal)  # type: ignore[untyped-decorator]
def _(q: Normal, p: UnitNormal) -> Tensor:
    """Of each dimension, (mu^2 + sigma^2 - 1) / 2 - log sigma, nats.

    Source: Kingma & Welling, 2014, "Auto-encoding variational Bayes", app. B, arXiv:1312.6114
    """
    nats: Tensor = _Divergence.apply(q.loc, q.scale)
    return nats


class _Divergence(torch.autograd.Function):
    """With its gradient, (mu, sigma - 1/sigma), in one piece: operations are all that takes time on small tensors."""

    @staticmethod
    def forward(ctx: Any, loc: Tensor, scale: Tensor) -> Tensor:
        ctx.save_for_backward(loc, scale)
        return loc.square().addcmul_(scale, scale).sub_(1).mul_(0.5).sub_(scale.log())

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        loc, scale = ctx.saved_tensors
        return grad * loc, grad * (scale - scale.reciprocal())
