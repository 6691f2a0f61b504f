"""The aggregated posterior matched to the prior by a kernel."""

from __future__ import annotations

import torch
from torch import Tensor

from vae_exp.distributions.gathering import gathered
from vae_exp.distributions.kl import distortion
from vae_exp.distributions.mmd import Kernel, mmd
from vae_exp.losses.base import Loss, weight
from vae_exp.types import Batch, Context, Latent, LossOutput, NonNegative, VAEOutput


class WAEMMD(Loss):
    """Distortion plus weighted discrepancy of the aggregated posterior and the prior.

    loss = E_q[-log p(x|z)] + mmd_weight * MMD^2(q(z), p(z))

    There is no rate, so that a posterior needs no density: model/posterior=delta is the paper's deterministic encoder.
    With the Gaussian likelihood the distortion is the paper's squared error, divided by twice the likelihood's
    variance, plus a constant. The discrepancy is dimensionless. A prior's own parameters get no gradient.

    Args:
        mmd_weight: Weight of the discrepancy (lambda), in nats.
        kernel: Kernel of the discrepancy.

    Source: Tolstikhin et al., 2018, "Wasserstein auto-encoders", alg. 2, arXiv:1711.01558
    """

    needs = ("one_group", "real", "fixed_prior")

    def __init__(self, *, mmd_weight: NonNegative, kernel: Kernel) -> None:
        super().__init__()
        self.mmd_weight, self.kernel = weight(mmd_weight), kernel

    def forward(self, out: VAEOutput, batch: Batch, ctx: Context) -> LossOutput:
        (latent,) = out.latents
        nats = distortion(out, batch)  # [K, B]
        discrepancy = discrepancy_to_prior(latent, self.kernel)
        loss = nats.mean() + self.mmd_weight * discrepancy
        return LossOutput(loss, {"distortion": nats, "mmd": discrepancy})


def discrepancy_to_prior(latent: Latent, kernel: Kernel) -> Tensor:
    """MMD^2 between the latents of the batch, of all processes where there are several, and as many prior draws.

    Returns:
        [], the mean over the K samples of each example, which are not independent of each other.
    """
    everyone, _ = gathered(latent.z.transpose(0, 1))  # [M, K, D]
    z = everyone.transpose(0, 1)
    with torch.no_grad():
        drawn = latent.p.sample(z.shape[:2])
    return mmd(z, drawn.to(z.dtype), kernel).mean()
