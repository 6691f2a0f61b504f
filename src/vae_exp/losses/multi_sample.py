"""What the losses have in common that are bounds made of several importance weights for each example."""

from __future__ import annotations

import math
from abc import abstractmethod

import torch
from torch import Tensor

from vae_exp.distributions.kl import distortion, log_ratio, rate
from vae_exp.losses.base import Loss
from vae_exp.types import Batch, Context, LossOutput, VAEOutput


class MultiSample(Loss):
    """loss = mean over the batch of a bound on -log p(x), made of log w_k = log p(x|z_k) + log p(z_k) - log q(z_k|x).

    The term `nll_bound` is the bound's value, whatever gradient is taken of it.
    """

    needs: tuple[str, ...] = ("density", "sample_density")

    def forward(self, out: VAEOutput, batch: Batch, ctx: Context) -> LossOutput:
        nats = distortion(out, batch)
        bound = self.bound(self.log_weights(out, nats))
        return LossOutput(bound.mean(), {"distortion": nats, "rate": rate(out), "nll_bound": bound})

    @abstractmethod
    def bound(self, log_w: Tensor) -> Tensor:
        """The bound on -log p(x), log weights [K, B] -> [B], nats."""

    def log_weights(self, out: VAEOutput, distortion: Tensor) -> Tensor:
        """Log importance weights with the gradient that the loss takes of them; [K, B], nats."""
        return -distortion - log_ratio(out.latents)


def log_mean_exp(log_w: Tensor) -> Tensor:
    """Mean of the exponentials, log (1/K) sum_k exp(log_w_k), over the first axis."""
    return torch.logsumexp(log_w, dim=0) - math.log(len(log_w))
