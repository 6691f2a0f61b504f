"""What every loss is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from vae_exp.distributions.kl import distortion, rate
from vae_exp.losses.discriminator import Discriminator
from vae_exp.types import Batch, Context, LossOutput, VAEOutput

MEANING = {
    "one_group": "one latent group, and the model has several; loss=elbo goes with any number of them",
    "density": "a posterior with a density, which model/posterior=delta is not",
    "sample_density": "a posterior whose samples in training have a density, unlike those of gumbel_softmax",
    "detachable": "a posterior whose parameters can be held fixed, unlike those of a flow",
    "fixed_prior": "a prior with nothing to learn, such as model/prior=standard_normal",
    "real": "latents that are real vectors",
    "point": "a posterior that is a point, which model/posterior=delta is",
    "codes": "a posterior of codes, which model/posterior=vq is",
    "separate": "a decoder that takes each latent by itself, without batch normalisation",
    "spectral_norm": "a decoder whose layers have a spectral norm of one, which model/decoder=spectral_norm makes",
    "classes": "a model with a class among its latents, such as model=m2",
    "factorised": "a posterior and a prior that factorise over dimensions, as diag_normal and standard_normal do",
}
"""Properties of a model that a loss can need, for the sentence that refuses the others."""


class Loss(nn.Module, ABC):
    """A model's output and its batch -> the number to minimise and the terms it is made of."""

    num_samples: int = 1
    """Latents drawn for each example, K."""

    needs: tuple[str, ...] = ("density",)
    """Properties of a model (see `Model.properties`) without which the loss has no meaning."""

    def prepare(self, batch: Batch) -> Batch:
        """What the model is shown in training instead of the batch; itself, unless the loss corrupts it."""
        return batch

    @abstractmethod
    def forward(self, out: VAEOutput, batch: Batch, ctx: Context) -> LossOutput:
        """The loss, a mean over the batch of sums over data and latent dimensions, and its unweighted terms."""

    def weights(self) -> dict[str, Tensor]:
        """The present weights of the terms, by name, for the logs."""
        return {}

    def param_groups(self) -> list[dict[str, Any]]:
        """Optimizer groups of the loss's own parameters: one for each discriminator that it owns."""
        return [part.param_group() for part in self.modules() if isinstance(part, Discriminator)]


def weight(value: float) -> nn.Buffer:
    """A weight as a tensor, []: runs that differ in it alone share one compiled step, in which it is no constant."""
    return nn.Buffer(torch.tensor(float(value)), persistent=False)


def elbo_terms(out: VAEOutput, batch: Batch) -> dict[str, Tensor]:
    """Distortion [K, B], rate [B] or [K, B], and their sum nelbo [K, B], the negative ELBO; nats."""
    lost, nats = distortion(out, batch), rate(out)
    return {"distortion": lost, "rate": nats, "nelbo": lost + nats}
