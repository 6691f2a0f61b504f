"""The normal distribution with mean 0 and variance 1."""

from __future__ import annotations

from torch import Tensor
from torch.distributions import Normal, register_kl


class UnitNormal(Normal):
    """N(0, 1), made of a mean of 0 and a scale of 1; a type of its own, since KL divergences to it are simpler."""


@register_kl(Normal, UnitNormal)  # type: ignore[untyped-decorator]
def _(q: Normal, p: UnitNormal) -> Tensor:
    """Of each dimension, (mu^2 + sigma^2 - 1) / 2 - log sigma, nats: two thirds of the operations of the general form.

    Source: Kingma & Welling, 2014, "Auto-encoding variational Bayes", app. B, arXiv:1312.6114
    """
    nats: Tensor = 0.5 * (q.loc.square() + q.scale.square() - 1) - q.scale.log()
    return nats
