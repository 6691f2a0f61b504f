"""The total correlation of the latents, by a discriminator."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from vae_exp.losses.base import Loss, elbo_terms, weight
from vae_exp.losses.discriminator import Discriminator
from vae_exp.types import Batch, Context, LossOutput, NonNegative, Positive, VAEOutput


class FactorVAE(Loss):
    """Distortion plus rate plus weighted total correlation.

    loss = E_q[-log p(x|z)] + KL(q(z|x) || p(z)) + gamma * TC + discriminator's loss,
        TC = E_q(z)[log D(z) - log(1 - D(z))]

    D tells latents of the batch from latents of which each dimension is permuted over the batch by itself, which are
    draws from the product of the marginals. The total correlation is as right as D is, and about 0 before D has
    learned anything. Weights of D are fixed in TC and latents in D's loss, so that one backward pass serves both.

    The paper permutes a second batch. Here one batch serves both: D's loss is a sum of two means, whose expectation
    does not depend on whether they share examples. With several processes each permutes its own part of the batch.

    Args:
        event_shape: Shape of a latent, (latent_dim,).
        gamma: Weight of the total correlation, dimensionless.
        discriminator: (in_shape, out_shape) -> network from latents to one logit.
        discriminator_lr: Its learning rate.

    Source: Kim & Mnih, 2018, "Disentangling by factorising", eq. 2-3 and alg. 2, arXiv:1802.05983
    """

    needs = ("one_group", "density", "real")

    def __init__(
        self,
        *,
        event_shape: tuple[int, ...],
        gamma: NonNegative,
        discriminator: Callable[..., nn.Module],
        discriminator_lr: Positive,
    ) -> None:
        super().__init__()
        self.gamma = weight(gamma)
        self.discriminator = Discriminator(discriminator(event_shape, (1,)), lr=discriminator_lr)

    def forward(self, out: VAEOutput, batch: Batch, ctx: Context) -> LossOutput:
        ((_, _, z),) = out.latents
        latents = z.flatten(0, 1)
        correlation = self.discriminator.judge(latents)
        own = self.discriminator.loss(latents, permuted(latents))
        bound = elbo_terms(out, batch)
        loss = bound["nelbo"].mean() + self.gamma * correlation.mean() + own
        terms = {
            **bound,
            "total_correlation": correlation.mean(),
            "discriminator": own,
        }
        return LossOutput(loss, terms)


def permuted(z: Tensor) -> Tensor:
    """Each dimension of z [N, D] permuted over the N rows, independently of the other dimensions."""
    return z.gather(0, torch.rand(z.shape, device=z.device).argsort(0))
