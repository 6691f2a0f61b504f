"""The rate divided between mutual information and the distance of the aggregated posterior to the prior."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Le

from vae_exp.distributions.mmd import Kernel
from vae_exp.losses.base import Loss, elbo_terms, weight
from vae_exp.losses.wae_mmd import discrepancy_to_prior
from vae_exp.types import Batch, Context, LossOutput, Positive, VAEOutput


class InfoVAE(Loss):
    """Distortion plus weighted rate plus weighted discrepancy of the aggregated posterior and the prior.

    loss = E_q[-log p(x|z)] + (1 - alpha) * KL(q(z|x) || p(z)) + (alpha + divergence_weight - 1) * MMD^2(q(z), p(z))

    alpha = 0 and divergence_weight = 1 make it the negative ELBO; alpha = 1 leaves no rate (the MMD-VAE). The
    discrepancy is dimensionless, and so small that divergence_weight is usually large. A prior's own parameters get
    their gradient from the rate alone.

    Args:
        alpha: Weight of the mutual information that is preferred, dimensionless, at most 1.
        divergence_weight: Weight of the divergence of the aggregated posterior (lambda).
        kernel: Kernel of the discrepancy.

    Raises:
        ValueError: the weights would reward a distance from the prior.

    Source: Zhao et al., 2017, "InfoVAE", arXiv:1706.02262
    """

    needs = ("one_group", "density", "real")

    def __init__(self, *, alpha: Annotated[float, Le(1)], divergence_weight: Positive, kernel: Kernel) -> None:
        super().__init__()
        mmd_weight = alpha + divergence_weight - 1
        if mmd_weight < 0:
            raise ValueError(
                f"alpha={alpha} and divergence_weight={divergence_weight} would reward a distance from the prior; "
                f"use divergence_weight={1 - alpha:g} or more"
            )
        self.rate_weight, self.mmd_weight, self.kernel = weight(1 - alpha), weight(mmd_weight), kernel

    def forward(self, out: VAEOutput, batch: Batch, ctx: Context) -> LossOutput:
        (latent,) = out.latents
        terms = elbo_terms(out, batch)
        discrepancy = discrepancy_to_prior(latent, self.kernel)
        bound = terms["distortion"].mean() + self.rate_weight * terms["rate"].mean()
        return LossOutput(bound + self.mmd_weight * discrepancy, {**terms, "mmd": discrepancy})
