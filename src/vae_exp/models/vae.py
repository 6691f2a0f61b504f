"""The variational autoencoder with one group of latents."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from vae_exp.distributions.tempered import tempered
from vae_exp.heads.base import Head, Likelihood
from vae_exp.priors.base import Prior
from vae_exp.types import Batch, Count, DataSpec, Latent, VAEOutput


class VAE(nn.Module):
    """p(x, z) = p(x|z) p(z), with q(z|x) for the posterior; its parts are chosen apart from each other.

    The parts come unfinished, since only the model knows their sizes.

    Args:
        spec: What an example looks like.
        latent_dim: Number of latent dimensions.
        encoder: (in_shape, out_shape) -> network from examples to the posterior's parameters.
        decoder: (in_shape, out_shape) -> network from latents to the likelihood's parameters.
        posterior: (event_shape) -> head for q(z|x).
        prior: (event_shape) -> p(z).
        likelihood: (event_shape) -> head for p(x|z).

    Raises:
        ValueError: the likelihood does not apply to the data, or a network does not fit it.

    Source: Kingma & Welling, 2014, "Auto-encoding variational Bayes", arXiv:1312.6114
    """

    def __init__(
        self,
        *,
        spec: DataSpec,
        latent_dim: Count,
        encoder: Callable[..., nn.Module],
        decoder: Callable[..., nn.Module],
        posterior: Callable[..., Head],
        prior: Callable[..., Prior],
        likelihood: Callable[..., Likelihood],
    ) -> None:
        super().__init__()
        self.spec = spec
        latent_shape = (latent_dim,)
        self.posterior = posterior(event_shape=latent_shape)
        self.prior = prior(event_shape=latent_shape)
        self.likelihood = likelihood(event_shape=spec.x_shape)
        self.suffix = self.likelihood.suffix(spec.values)
        self.encoder = encoder(spec.x_shape, self.posterior.params_shape)
        self.decoder = decoder(latent_shape, self.likelihood.params_shape)

    def encode(self, x: Tensor) -> Distribution:
        """q(z|x), x [B, *x_shape] in [0, 1] -> batch_shape [B]."""
        q: Distribution = self.posterior(self.encoder(x))
        return q

    def decode(self, z: Tensor) -> Distribution:
        """p(x|z), z [..., latent_dim] -> batch_shape [...]."""
        params = self.decoder(z.reshape(-1, z.shape[-1]))
        p_x: Distribution = self.likelihood(params.reshape(*z.shape[:-1], *params.shape[1:]))
        return p_x

    def forward(self, batch: Batch, num_samples: int = 1) -> VAEOutput:
        """Encode a batch, draw `num_samples` latents for each example, and decode them."""
        q = self.encode(batch["x"])
        z = q.rsample(torch.Size([num_samples]))
        return VAEOutput((Latent(q, self.prior(self.encode), z),), self.decode(z))

    def sample_latents(self, n: int, temperature: float = 1.0) -> Tensor:
        """Draw from the prior, [n, latent_dim]."""
        return tempered(self.prior(self.encode), temperature).sample(torch.Size([n]))

    def sample(self, n: int, temperature: float = 1.0) -> Distribution:
        """p(x|z) for `n` latents from the prior, its spread multiplied by the temperature; batch_shape [n]."""
        return self.decode(self.sample_latents(n, temperature))
