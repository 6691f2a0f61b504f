"""The aggregated posterior matched to the prior by a discriminator."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from vae_exp.distributions.kl import distortion
from vae_exp.losses.base import Loss, weight
from vae_exp.losses.discriminator import Discriminator
from vae_exp.types import Batch, Context, LossOutput, NonNegative, Positive, VAEOutput


class Adversarial(Loss):
    """Distortion plus weighted failure to pass for the prior.

    loss = E_q[-log p(x|z)] + adversarial_weight * E_q(z)[-log D(z)] + discriminator's loss

    D tells draws from the prior from latents of the batch. The encoder's term is the one that does not saturate where D
    is sure. Weights of D are fixed in it and latents in D's loss, so that one backward pass serves both. There is no
    rate, so that a posterior needs no density. A prior's own parameters get no gradient.

    Args:
        event_shape: Shape of a latent, (latent_dim,).
        adversarial_weight: Weight of the encoder's term, dimensionless.
        discriminator: (in_shape, out_shape) -> network from latents to one logit.
        discriminator_lr: Its learning rate.

    Source: Makhzani et al., 2015, "Adversarial autoencoders", sec. 2, arXiv:1511.05644
    """

    needs = (
        "one_group",
        "fixed_prior",
    )

    def __init__(
        self,
        *,
        event_shape: tuple[int, ...],
        adversarial_weight: NonNegative,
        discriminator: Callable[..., nn.Module],
        discriminator_lr: Positive,
    ) -> None:
        super().__init__()
        self.adversarial_weight = weight(adversarial_weight)
        self.discriminator = Discriminator(discriminator(event_shape, (1,)), lr=discriminator_lr)

    def forward(self, out: VAEOutput, batch: Batch, ctx: Context) -> LossOutput:
        ((_, p, z),) = out.latents
        nats = distortion(out, batch)  # [K, B]
        latents = z.flatten(0, 1)
        with torch.no_grad():
            drawn = p.sample(latents.shape[:1]).to(latents.dtype)
        found_out = self.discriminator.found_out(latents)
        own = self.discriminator.loss(drawn, latents)
        loss = nats.mean() + self.adversarial_weight * found_out + own
        return LossOutput(loss, {"distortion": nats, "adversarial": found_out, "discriminator": own})
