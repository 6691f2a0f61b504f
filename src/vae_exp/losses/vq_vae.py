"""The objective of codes with a learned codebook."""

from __future__ import annotations

from vae_exp.distributions.code_point import CodePoint
from vae_exp.losses.base import Loss, elbo_terms, weight
from vae_exp.types import Batch, Context, LossOutput, NonNegative, VAEOutput


class VQVAE(Loss):
    """The negative ELBO of a point posterior over codes, and a term that holds the encoder near its codes.

    loss = -log p(x|z) - log p(c) + commitment * |f(x) - z|^2

    z are the vectors of the codes c and are held fixed in the last term, which is a sum over latent dimensions like the
    others and a mean over the batch. The codebook has no term: it follows the encoder by moving averages. The second
    term trains the prior alone, where there is something to learn, and is a constant of a uniform one.

    Args:
        commitment: Weight of the last term, dimensionless.

    Source: van den Oord et al., 2017, "Neural discrete representation learning", eq. 3 and app. A.1, arXiv:1711.00937
    """

    needs = ("one_group", "density", "codes")

    def __init__(self, *, commitment: NonNegative) -> None:
        super().__init__()
        self.commitment = weight(commitment)

    def forward(self, out: VAEOutput, batch: Batch, ctx: Context) -> LossOutput:
        ((q, _, _),) = out.latents
        assert isinstance(q, CodePoint)  # as `needs` says
        terms = elbo_terms(out, batch)
        apart = (q.encoded - q.value.detach()).square().sum(-1)  # [B]
        loss = terms["nelbo"].mean() + self.commitment * apart.mean()
        return LossOutput(loss, {**terms, "commitment": apart})
