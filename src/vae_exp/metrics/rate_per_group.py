"""What each latent group carries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torchmetrics.utilities import dim_zero_cat

from vae_exp.distributions.kl import kl
from vae_exp.metrics.base import Stage, VAEMetric
from vae_exp.types import Batch, VAEOutput


class RatePerGroup(VAEMetric):
    """rate_per_group[l] = E KL(q(z_l | z_<l, x) || p(z_l | z_<l)), from the top group downward; it sums to the rate.

    Nats. There is none where a model has one group.

    Args:
        stages: When it is computed.

    Source: Sonderby et al., 2016, "Ladder variational autoencoders", fig. 5, arXiv:1602.02282
    """

    nats: list[Tensor]

    def __init__(self, *, stages: Sequence[Stage]) -> None:
        super().__init__(stages=stages)
        self.add_state("nats", default=[], dist_reduce_fx="cat")

    def update(self, batch: Batch, out: VAEOutput, model: Any) -> None:
        if len(out.latents) == 1:
            return
        each = [kl(*latent) for latent in out.latents]
        self.nats.append(torch.stack([nats.mean(0) if nats.ndim == 2 else nats for nats in each], dim=1).detach())

    def compute(self) -> dict[str, Tensor]:
        if not len(self.nats):
            return {}
        return {"rate_per_group": dim_zero_cat(self.nats).cpu().double().mean(0)}
