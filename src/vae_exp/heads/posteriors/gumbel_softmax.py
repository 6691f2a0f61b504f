"""The posterior of categorical latents."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Distribution

from vae_exp.distributions.one_hots import OneHots, num_variables
from vae_exp.heads.base import Posterior
from vae_exp.schedules import Schedule
from vae_exp.types import Count, Positive, Space


class GumbelSoftmax(Posterior):
    """q(z|x) = prod_g Categorical(z_g; softmax(logits_g(x))), latent_dim = variables times categories.

    In training the samples are relaxed ones, at temperature * schedule(step), and the rate that of the categorical
    variables; in evaluation they are hard, and every figure is that of the categorical model.

    Args:
        event_shape: Shape of the latent, (latent_dim,).
        categories: Categories of each variable.
        temperature: Temperature of relaxed samples, dimensionless.
        schedule: Factor on the temperature over the run.

    Raises:
        ValueError: latent_dim is no multiple of the categories.

    Source: Jang et al., 2017, "Categorical reparameterization with Gumbel-softmax", arXiv:1611.01144
    """

    params_per_dim = 1
    space: Space = "one_hot"
    sample_density = False

    def __init__(
        self, *, event_shape: tuple[int, ...], categories: Count, temperature: Positive, schedule: Schedule
    ) -> None:
        super().__init__(event_shape=event_shape)
        self.variables, self.categories = num_variables(event_shape[0], categories), categories
        self.temperature, self.schedule = temperature, schedule

    def forward(self, params: Tensor) -> Distribution:
        (logits,) = self.split(params)
        # A schedule that falls to 0 would divide by it.
        temperature = (self.temperature * self.schedule.value).clamp_min(torch.finfo(logits.dtype).eps)
        grouped = logits.unflatten(-1, (self.variables, self.categories))
        return OneHots(grouped, temperature=temperature if self.training else None)
