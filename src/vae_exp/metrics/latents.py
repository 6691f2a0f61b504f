"""What each latent dimension carries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torchmetrics.utilities import dim_zero_cat

from vae_exp.distributions.center import means
from vae_exp.distributions.kl import mean_kl_per_dim
from vae_exp.metrics.base import Stage, VAEMetric
from vae_exp.types import Batch, Latent, NonNegative, VAEOutput


class ActiveUnits(VAEMetric):
    """active_units = number of latent dimensions j with Var_x(E_q[z_j | x]) > threshold.

    Of a group whose posterior depends on a sample of those above, E_q - E_p given that sample stands for E_q: what x
    adds to what is known of z_j from above.

    Args:
        stages: When it is computed.
        threshold: Variance above which a dimension is active.

    Source: Burda et al., 2016, "Importance weighted autoencoders", sec. 5.2, arXiv:1509.00519
    """

    moments: list[Tensor]

    def __init__(self, *, stages: Sequence[Stage], threshold: NonNegative) -> None:
        super().__init__(stages=stages)
        self.threshold = threshold
        self.add_state("moments", default=[], dist_reduce_fx="cat")  # of each batch, as `moments_of` gives them

    def update(self, batch: Batch, out: VAEOutput, model: Any) -> None:
        first, second = (torch.cat(parts, dim=1) for parts in zip(*map(_told_by_x, out.latents), strict=True))
        self.moments.append(moments_of(first, second)[None])

    def compute(self) -> dict[str, Tensor]:
        return {"active_units": (covariance_of_parts(dim_zero_cat(self.moments)) > self.threshold).sum().float()}


def _told_by_x(latent: Latent) -> tuple[Tensor, Tensor]:
    """E_q[z|x], or what it adds to what is known from above; twice, as `means` has it, [B, D]."""
    first, second = means(latent.q)
    if len(latent.q.batch_shape) == 2:  # of several samples above, the first
        known, again = means(latent.p)
        first, second = (first - known)[0], (second - again)[0]
    return first.detach().flatten(1), second.detach().flatten(1)


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


def moments_of(a: Tensor, b: Tensor) -> Tensor:
    """Count, means and the sum of products of deviations of pairs [N, D] each; [4, D]."""
    mean_a, mean_b = a.mean(0), b.mean(0)
    return torch.stack((torch.full_like(mean_a, len(a)), mean_a, mean_b, ((a - mean_a) * (b - mean_b)).sum(0)))


def covariance_of_parts(moments: Tensor) -> Tensor:
    """Unbiased covariance of the pairs of a set from its parts' `moments_of`.

    Args:
        moments: [parts, 4, D].

    Returns:
        [D], float64.

    Source: Chan, Golub & LeVeque, 1983, "Algorithms for computing the sample variance", eq. 2.1
    """
    count, mean_a, mean_b, products = moments.cpu().double().unbind(1)
    total = count.sum(0)
    away_a, away_b = (mean - (count * mean).sum(0) / total for mean in (mean_a, mean_b))
    return (products.sum(0) + (count * away_a * away_b).sum(0)) / (total - 1).clamp_min(1)
