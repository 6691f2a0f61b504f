"""A distortion in the features of a discriminator of pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn

from vae_exp.losses.base import Loss, elbo_terms, weight
from vae_exp.losses.discriminator import Discriminator, with_fixed_weights
from vae_exp.losses.similarities.base import feature_distortion
from vae_exp.types import Batch, Context, Count, LossOutput, NonNegative, Positive, VAEOutput


class VAEGAN(Loss):
    """Distortion of features plus rate, and a decoder that is to pass for the data.

    loss = E_q[|f(x) - f(x')|^2 / 2 + distortion_weight * -log p(x|z)] + KL(q(z|x) || p(z))
        + adversarial_weight * E[-log D(x'')] + discriminator's loss

    x' is the mean of p(x|z), and f the features on which D decides between data and decoded pictures; the first term
    is -log N(f(x); f(x'), 1) without its constant. x'' are pictures decoded from latents of the batch and, as many, of
    the prior; their term reaches the decoder alone. Weights of D are fixed in all terms but its own, in which pictures
    are.

    The paper weights the first term in the decoder's objective by gamma; adversarial_weight is 1 / gamma, the same up
    to the scale of the decoder's gradient. It has no distortion of pixels, distortion_weight=0: then nothing but an
    untrained D tells the decoder at first what a picture is of, and small networks end with one pattern for all. It is
    the generator's loss that does not saturate, and f is the layer before the last. What of p(x|z) is not its mean,
    such as a learned scale, gets its gradient from the distortion alone, a prior's own draws none.

    Args:
        x_shape: Shape of an example.
        distortion_weight: Weight of the distortion of pixels, dimensionless.
        adversarial_weight: Weight of the decoder's term, dimensionless.
        features: (in_shape, out_shape) -> network from pictures to f.
        num_features: Number of features.
        discriminator_lr: Learning rate of the discriminator.

    Source: Larsen et al., 2016, "Autoencoding beyond pixels using a learned similarity metric", alg. 1,
        arXiv:1512.09300
    """

    needs = ("one_group", "density")

    def __init__(
        self,
        *,
        x_shape: tuple[int, ...],
        distortion_weight: NonNegative,
        adversarial_weight: NonNegative,
        features: Callable[..., nn.Module],
        num_features: Count,
        discriminator_lr: Positive,
    ) -> None:
        super().__init__()
        self.distortion_weight, self.adversarial_weight = weight(distortion_weight), weight(adversarial_weight)
        network = features(x_shape, (num_features,))
        decision = nn.Sequential(network, nn.LeakyReLU(), nn.Linear(num_features, 1))
        self.discriminator = Discriminator(decision, lr=discriminator_lr)

    def forward(self, out: VAEOutput, batch: Batch, ctx: Context) -> LossOutput:
        x = batch.get("target", batch["x"])
        bound = elbo_terms(out, batch)
        of_decoded = self._features(out.p_x.mean.flatten(0, 1)).unflatten(0, out.p_x.batch_shape)
        similarity = feature_distortion(of_decoded, self._features(x))  # [K, B]
        decoded = self._decoded(out, batch, ctx)
        found_out = self.discriminator.found_out(decoded)
        own = self.discriminator.loss(x, decoded)
        apart = similarity.mean() + self.distortion_weight * bound["distortion"].mean()
        loss = apart + bound["rate"].mean() + self.adversarial_weight * found_out + own
        terms = {
            **bound,
            "feature_distortion": similarity,
            "adversarial": found_out,
            "discriminator": own,
        }
        return LossOutput(loss, terms)

    def _features(self, pictures: Tensor) -> Tensor:
        """The features f of pictures [N, *x_shape], [N, num_features]."""
        network = cast(nn.Sequential, self.discriminator.net)[0]
        return with_fixed_weights(network, pictures)

    @staticmethod
    def _decoded(out: VAEOutput, batch: Batch, ctx: Context) -> Tensor:
        """Pictures from latents of the posterior and of the prior, with a gradient to the decoder, [2 B, *x_shape]."""
        ((_, p, z),) = out.latents
        with torch.no_grad():
            drawn = p.sample(z.shape[1:2]).to(z.dtype)
        latents = torch.stack((z[0].detach(), drawn))  # [2, B, latent_dim]
        pictures: Tensor = cast(Any, ctx.model).decode(latents, batch.get("y")).mean
        return pictures.flatten(0, 1)
