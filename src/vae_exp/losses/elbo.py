"""The evidence lower bound and its annealed, weighted and relaxed forms."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from vae_exp.distributions.gathering import mean_of_all
from vae_exp.distributions.kl import kl, mean_kl_per_dim
from vae_exp.losses.base import Loss, elbo_terms, weight
from vae_exp.schedules import Schedule
from vae_exp.types import Batch, Context, Count, Latent, LossOutput, NonNegative, VAEOutput


class ELBO(Loss):
    """Distortion plus weighted rate.

    loss = E_q[-log p(x|z)] + beta * schedule(step) * KL(q(z|x) || p(z))

    With free bits the rate in the loss is sum_j max(free_bits, mean over the batch of KL_j), j over latent dimensions
    or over latent groups, with several processes over the batch of all of them: what is below its free bits is not
    pushed down further. beta = 1, a constant schedule and no
    free bits make the loss the negative ELBO.

    Args:
        beta: Weight of the rate, dimensionless.
        schedule: Factor on beta over the run.
        free_bits: Rate that costs nothing, nats per latent dimension or group.
        free_bits_per: Which of the two.
        num_samples: Latents drawn for each example.

    Source: Kingma & Welling, 2014, arXiv:1312.6114, eq. 3; beta: Higgins et al., 2017, "beta-VAE", eq. 4;
        free bits: Kingma et al., 2016, arXiv:1606.04934
    """

    def __init__(
        self,
        *,
        beta: NonNegative,
        schedule: Schedule,
        free_bits: NonNegative,
        free_bits_per: Literal["dimension", "group"],
        num_samples: Count,
    ) -> None:
        super().__init__()
        self.by_dimension = free_bits_per == "dimension"
        self.needs = ("density", "factorised") if free_bits > 0 and self.by_dimension else ("density",)
        self.beta, self.free_bits, self.has_free_bits = weight(beta), weight(free_bits), free_bits > 0
        self.schedule, self.num_samples = schedule, num_samples

    def forward(self, out: VAEOutput, batch: Batch, ctx: Context) -> LossOutput:
        terms = elbo_terms(out, batch)
        charged = self._above_free_bits(out.latents, len(batch["x"])) if self.has_free_bits else terms["rate"].mean()
        return LossOutput(terms["distortion"].mean() + self.weights()["beta"] * charged, terms)

    def weights(self) -> dict[str, Tensor]:
        return {"beta": self.beta * self.schedule.value}

    def _above_free_bits(self, latents: tuple[Latent, ...], examples: int) -> Tensor:
        charged = []
        for latent in latents:
            nats = kl(*latent).mean() if not self.by_dimension else mean_kl_per_dim(latent)
            assert nats is not None  # as `needs` says
            charged.append(mean_of_all(nats, examples).clamp_min(self.free_bits).sum())
        return torch.stack(charged).sum()
