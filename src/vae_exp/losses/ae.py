"""The plain autoencoder."""

from __future__ import annotations

from vae_exp.distributions.kl import distortion
from vae_exp.losses.base import Loss
from vae_exp.types import Batch, Context, LossOutput, VAEOutput


class Autoencoder(Loss):
    """Distortion alone.

    loss = E_q[-log p(x|z)]

    With model/posterior=delta this is the autoencoder; with a posterior that has a spread, a VAE at beta = 0.

    Source: Hinton & Salakhutdinov, 2006, "Reducing the dimensionality of data with neural networks"
    """

    needs: tuple[str, ...] = ()

    def __init__(self) -> None:
        super().__init__()

    def forward(self, out: VAEOutput, batch: Batch, ctx: Context) -> LossOutput:
        nats = distortion(out, batch)  # [K, B]
        return LossOutput(nats.mean(), {"distortion": nats})
