"""The KL of a normal from a Laplace distribution, which torch lacks."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.distributions import Laplace, Normal
from torch.distributions.kl import register_kl


@register_kl(Normal, Laplace)  # type: ignore[untyped-decorator]
def _kl_normal_laplace(q: Normal, p: Laplace) -> Tensor:
    """log(2 b) + E|z - m| / b - log(2 pi e s^2) / 2, with E|z - m| the mean of a folded normal; nats.

    E|z - m| = s sqrt(2 / pi) exp(-t^2 / 2) + (mu - m) erf(t / sqrt 2), t = (mu - m) / s
    """
    distance = q.loc - p.loc
    t = distance / q.scale
    folded = q.scale * math.sqrt(2 / math.pi) * torch.exp(-0.5 * t**2) + distance * torch.erf(t / math.sqrt(2))
    return math.log(2) + p.scale.log() + folded / p.scale - q.scale.log() - 0.5 * math.log(2 * math.pi * math.e)
