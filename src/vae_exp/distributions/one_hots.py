"""Several categorical variables as one vector, drawn relaxed or hard."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.distributions.kl import register_kl

from vae_exp.distributions.center import center
from vae_exp.errors import UserError


class OneHots(Distribution):
    """G independent categorical variables of C categories, as one-hot vectors side by side, [G * C].

    Relaxed samples softmax((logits + Gumbel noise) / temperature) carry a gradient to the logits. They are no samples
    of this distribution, and `log_prob` refuses while it draws them; the KL of two such is that of the categoricals.

    Args:
        logits: [..., G, C].
        temperature: Of relaxed samples, > 0; None for hard ones, which have no gradient.

    Source: Jang et al., 2017, "Categorical reparameterization with Gumbel-softmax", eq. 1-2, arXiv:1611.01144
    """

    arg_constraints = {}  # noqa: RUF012 - torch's own interface
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, logits: Tensor, *, temperature: Tensor | None, validate_args: bool | None = None) -> None:
        self.logits, self.temperature = F.log_softmax(logits, dim=-1), temperature
        size = logits.shape[-2] * logits.shape[-1]
        super().__init__(logits.shape[:-2], torch.Size((size,)), validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        """The probabilities, [..., G * C]."""
        return self.logits.exp().flatten(-2)

    @property
    def mode(self) -> Tensor:
        return self._one_hot(self.logits.argmax(-1))

    def log_prob(self, value: Tensor) -> Tensor:
        """Log probability of one-hot vectors, nats.

        Raises:
            UserError: The samples are relaxed ones.
        """
        if self.temperature is not None:
            raise UserError(
                "a relaxed sample has no probability under a categorical variable: this loss does not go with "
                "model/posterior=gumbel_softmax; use one with a closed-form rate, such as loss=elbo"
            )
        nats: Tensor = (value.unflatten(-1, self.logits.shape[-2:]) * self.logits).sum((-2, -1))
        return nats

    def rsample(self, sample_shape: torch.Size | list[int] | tuple[int, ...] = ()) -> Tensor:
        """Draw, relaxed or hard."""
        shape = torch.Size(sample_shape) + self.logits.shape
        # -log of an exponential variable is a Gumbel one; the bound keeps it finite should a draw round to 0.
        noise = torch.empty(shape, dtype=self.logits.dtype, device=self.logits.device).exponential_()
        noisy = self.logits - noise.clamp_min(torch.finfo(noise.dtype).tiny).log()
        if self.temperature is None:
            return self._one_hot(noisy.argmax(-1))
        return torch.softmax(noisy / self.temperature, dim=-1).flatten(-2)

    def sample(self, sample_shape: torch.Size | list[int] | tuple[int, ...] = ()) -> Tensor:
        """The same, without a gradient."""
        return self.rsample(sample_shape).detach()

    def _one_hot(self, index: Tensor) -> Tensor:
        return F.one_hot(index, self.logits.shape[-1]).to(self.logits.dtype).flatten(-2)


@register_kl(OneHots, OneHots)  # type: ignore[untyped-decorator]
def _kl_one_hots(q: OneHots, p: OneHots) -> Tensor:
    """sum_g sum_c q_gc (log q_gc - log p_gc), of the categorical variables; nats."""
    if q.logits.shape[-2:] != p.logits.shape[-2:]:
        raise UserError(
            f"model.posterior.categories={q.logits.shape[-1]} and model.prior.categories={p.logits.shape[-1]}; "
            "use the same number"
        )
    return (q.logits.exp() * (q.logits - p.logits)).sum((-2, -1))


@center.register(OneHots)
def _(q: Any) -> Tensor:
    """The most likely categories: the mean of one-hot vectors is none."""
    point: Tensor = q.mode
    return point


def num_variables(latent_dim: int, categories: int) -> int:
    """How many variables a latent of that size holds.

    Raises:
        ValueError: latent_dim is no multiple of the categories.
    """
    if latent_dim % categories:
        raise ValueError(
            f"latent_dim={latent_dim} is no multiple of categories={categories}; it is the number of variables times "
            f"the categories of each, such as latent_dim={categories * max(1, latent_dim // categories)}"
        )
    return latent_dim // categories
