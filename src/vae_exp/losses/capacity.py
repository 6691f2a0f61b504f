"""A rate that is held at a rising capacity."""

from __future__ import annotations

from torch import Tensor

from vae_exp.distributions.gathering import mean_of_all
from vae_exp.losses.base import Loss, elbo_terms, weight
from vae_exp.schedules import Schedule
from vae_exp.types import Batch, Context, LossOutput, NonNegative, VAEOutput


class Capacity(Loss):
    """Hold the mean rate at a capacity; with several processes that over the batch of all of them.

    loss = E_q[-log p(x|z)] + gamma * |mean over the batch of KL(q(z|x) || p(z)) - capacity * schedule(step)|

    Args:
        gamma: Weight of the deviation, dimensionless.
        capacity: Rate that is aimed at, nats per example.
        schedule: Factor on the capacity over the run.

    Source: Burgess et al., 2018, "Understanding disentangling in beta-VAE", eq. 8, arXiv:1804.03599
    """

    def __init__(self, *, gamma: NonNegative, capacity: NonNegative, schedule: Schedule) -> None:
        super().__init__()
        self.gamma, self.capacity, self.schedule = weight(gamma), weight(capacity), schedule

    def forward(self, out: VAEOutput, batch: Batch, ctx: Context) -> LossOutput:
        terms = elbo_terms(out, batch)
        # Of the mean and not of each example: some examples need more nats than others.
        excess = mean_of_all(terms["rate"].mean(), len(batch["x"])) - self.weights()["capacity"]
        return LossOutput(terms["distortion"].mean() + self.gamma * excess.abs(), terms)

    def weights(self) -> dict[str, Tensor]:
        return {"capacity": self.capacity * self.schedule.value}
