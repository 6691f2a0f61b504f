"""The regularized deterministic autoencoder."""

from __future__ import annotations

from vae_exp.distributions.kl import distortion
from vae_exp.losses.base import Loss, weight
from vae_exp.losses.regularizers.base import Regularizer
from vae_exp.types import Batch, Context, LossOutput, NonNegative, VAEOutput


class RAE(Loss):
    """Distortion plus the size of the latent plus a regularizer of the decoder, with a point for the posterior.

    loss = -log p(x|z) + beta * |z|^2 / 2 + weight * regularizer(decoder),  z = f(x)

    |z|^2 / 2 is -log N(z; 0, 1) without its constant, and bounds the latents; the regularizer makes the decoder as
    smooth as the noise of a VAE would. There is no rate. What the model's prior draws are no examples of f(x), to whose
    distribution the paper fits a density after the training.

    Args:
        beta: Weight of the latent's size, dimensionless.
        regularizer: What keeps the decoder smooth, with a weight of its own.

    Source: Ghosh et al., 2020, "From variational to deterministic autoencoders", sec. 3, arXiv:1903.12436
    """

    def __init__(self, *, beta: NonNegative, regularizer: Regularizer) -> None:
        super().__init__()
        self.needs = ("one_group", "point", "fixed_prior", *regularizer.needs)
        self.beta, self.regularizer = weight(beta), regularizer

    def forward(self, out: VAEOutput, batch: Batch, ctx: Context) -> LossOutput:
        ((_, _, z),) = out.latents
        nats = distortion(out, batch)  # [K, B]
        size = 0.5 * z.square().sum(-1)  # [K, B]
        penalty = self.regularizer(out, batch, ctx)
        loss = nats.mean() + self.beta * size.mean() + self.regularizer.weight * penalty.mean()
        return LossOutput(loss, {"distortion": nats, "latent_size": size, "regularizer": penalty})
