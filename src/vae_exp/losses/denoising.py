"""Autoencoders that are shown a corrupted example and asked for the clean one."""

from __future__ import annotations

import torch

from vae_exp.distributions.kl import distortion, rate
from vae_exp.losses.base import Loss, weight
from vae_exp.types import Batch, Context, Fraction, LossOutput, NonNegative, VAEOutput


class Denoising(Loss):
    """Distortion of the clean example given a latent of the corrupted one, with a weight on the rate.

    loss = E_q(z|x~)[-log p(x|z)] + beta * KL(q(z|x~) || p(z)),  x~ = mask * (x + noise_std * noise)

    beta = 0 is the denoising autoencoder, which needs no rate, beta = 1 the denoising VAE. Only training examples are
    corrupted; evaluation sees them as they are.

    Args:
        noise_std: Standard deviation of Gaussian noise, on the scale of the data ([0, 1]).
        masked: Share of the values that are set to 0.
        beta: Weight of the rate, dimensionless.

    Raises:
        ValueError: nothing is corrupted.

    Source: Vincent et al., 2010, "Stacked denoising autoencoders"; the denoising VAE: Im et al., 2017,
        "Denoising criterion for variational auto-encoding framework", arXiv:1511.06406
    """

    def __init__(self, *, noise_std: NonNegative, masked: Fraction, beta: NonNegative) -> None:
        super().__init__()
        if noise_std == 0 and masked == 0:
            raise ValueError("noise_std=0 and masked=0 corrupt nothing; use loss=ae or loss=elbo, or make one positive")
        self.has_rate = beta > 0
        self.needs = ("density",) if self.has_rate else ()
        self.noise_std, self.masked, self.beta = weight(noise_std), weight(masked), weight(beta)

    def prepare(self, batch: Batch) -> Batch:
        x = batch["x"]
        noisy = x + self.noise_std * torch.randn_like(x)
        noisy = noisy * (torch.rand_like(x) >= self.masked)
        return {**batch, "x": noisy, "target": batch.get("target", x)}

    def forward(self, out: VAEOutput, batch: Batch, ctx: Context) -> LossOutput:
        nats = distortion(out, batch)  # [K, B]
        if not self.has_rate:
            return LossOutput(nats.mean(), {"distortion": nats})
        cost = rate(out)
        return LossOutput(nats.mean() + self.beta * cost.mean(), {"distortion": nats, "rate": cost})
