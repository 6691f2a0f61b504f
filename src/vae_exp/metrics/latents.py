"""What each latent dimension carries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torchmetrics.utilities import dim_zero_cat

from vae_exp.distributions.center import centers
from vae_exp.distributions.kl import mean_kl_per_dim
from vae_exp.metrics.base import Stage, VAEMetric
from vae_exp.types import Batch, NonNegative, VAEOutput


class ActiveUnits(VAEMetric):
    """active_units = number of latent dimensions j with Var_x(E_q[z_j | x]) > threshold.

    Args:
        stages: When it is computed.
        threshold: Variance above which a dimension is active.

    Source: Burda et al., 2016, "Importance weighted autoencoders", sec. 5.2, arXiv:1509.00519
    """

    moments: list[Tensor]

    def __init__(self, *, stages: Sequence[Stage], threshold: NonNegative) -> None:
        super().__init__(stages=stages)
        self.threshold = threshold
        self.add_state("moments", default=[], dist_reduce_fx="cat")  # per batch: count, mean, squared deviations

    def update(self, batch: Batch, out: VAEOutput, model: Any) -> None:
        mean = centers(out.latents).detach()
        count = torch.full_like(mean[0], len(mean))
        moments = torch.stack((count, mean.mean(0), (mean - mean.mean(0)).square().sum(0)))
        self.moments.append(moments[None])

    def compute(self) -> dict[str, Tensor]:
        return {"active_units": (variance_of_parts(dim_zero_cat(self.moments)) > self.threshold).sum().float()}


class KLPerDimension(VAEMetric):
    """kl_per_dim[j] = mean over the set of KL(q(z_j|x) || p(z_j)), nats; where the closed form divides.

    Source: Higgins et al., 2017, "beta-VAE", fig. 7; it sums to the rate.
    """

    nats: list[Tensor]
    examples: Tensor

    def __init__(self, *, stages: Sequence[Stage]) -> None:
        super().__init__(stages=stages)
        self.add_state("nats", default=[], dist_reduce_fx="cat")
        self.add_state("examples", default=torch.zeros(()), dist_reduce_fx="sum")

    def update(self, batch: Batch, out: VAEOutput, model: Any) -> None:
        parts = []
        for latent in out.latents:
            nats = mean_kl_per_dim(latent)
            if nats is None:
                return
            parts.append(nats.flatten())
        self.nats.append(torch.cat(parts)[None] * len(batch["x"]))
        self.examples += len(batch["x"])

    def compute(self) -> dict[str, Tensor]:
        if not len(self.nats):
            return {}
        return {"kl_per_dim": dim_zero_cat(self.nats).sum(0) / self.examples}


def variance_of_parts(moments: Tensor) -> Tensor:
    """Unbiased variance of a set from its parts' counts, means and sums of squared deviations.

    Args:
        moments: [parts, 3, D].

    Returns:
        [D], float64.

    Source: Chan, Golub & LeVeque, 1983, "Algorithms for computing the sample variance", eq. 2.1
    """
    count, mean, squares = moments.cpu().double().unbind(1)
    total = count.sum(0)
    overall = (count * mean).sum(0) / total
    return (squares.sum(0) + (count * (mean - overall) ** 2).sum(0)) / (total - 1).clamp_min(1)
