"""A distortion that is nearer to what eyes see than that of pixels."""

from __future__ import annotations

from collections.abc import Callable

from vae_exp.distributions.kl import distortion, rate
from vae_exp.losses.base import Loss, weight
from vae_exp.losses.similarities.base import Similarity
from vae_exp.types import Batch, Context, LossOutput, NonNegative, VAEOutput


class Perceptual(Loss):
    """Weighted dissimilarity of pictures, distortion of pixels and rate.

    loss = E_q[similarity_weight * d(x, x') + distortion_weight * -log p(x|z)] + beta * KL(q(z|x) || p(z))

    x' is the mean of p(x|z), so that what of p(x|z) is not its mean, such as a learned scale, has a gradient from the
    distortion alone. The dissimilarity d is no log-likelihood; beta = 0 is an autoencoder, which needs no rate.

    Args:
        x_shape: Shape of an example.
        similarity: (x_shape) -> the dissimilarity d of two pictures.
        similarity_weight: Weight of the dissimilarity.
        distortion_weight: Weight of the distortion, dimensionless; the papers have none.
        beta: Weight of the rate, dimensionless.

    Raises:
        ValueError: the pictures do not suit the similarity, or no weight but beta is positive.

    Source: Hou et al., 2017, "Deep feature consistent variational autoencoder", arXiv:1610.00291; MS-SSIM: Snell et
        al., 2017, "Learning to generate images with perceptual similarity metrics", arXiv:1511.06409
    """

    def __init__(
        self,
        *,
        x_shape: tuple[int, ...],
        similarity: Callable[..., Similarity],
        similarity_weight: NonNegative,
        distortion_weight: NonNegative,
        beta: NonNegative,
    ) -> None:
        super().__init__()
        if similarity_weight == distortion_weight == 0:
            raise ValueError("similarity_weight=0 and distortion_weight=0 ask for no likeness; make one positive")
        self.has_rate = beta > 0
        self.needs = ("density",) if self.has_rate else ()
        self.similarity = similarity(x_shape=x_shape)
        self.similarity_weight, self.distortion_weight = weight(similarity_weight), weight(distortion_weight)
        self.beta = weight(beta)

    def forward(self, out: VAEOutput, batch: Batch, ctx: Context) -> LossOutput:
        nats = distortion(out, batch)  # [K, B]
        apart = self.similarity(out.p_x.mean, batch.get("target", batch["x"]))  # [K, B]
        loss = self.similarity_weight * apart.mean() + self.distortion_weight * nats.mean()
        terms = {"distortion": nats, "dissimilarity": apart}
        if not self.has_rate:
            return LossOutput(loss, terms)
        cost = rate(out)
        return LossOutput(loss + self.beta * cost.mean(), {**terms, "rate": cost, "nelbo": nats + cost})
