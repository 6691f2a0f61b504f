"""A learned mixture of Gaussians."""

from __future__ import annotations

import torch
from torch import nn
from torch.distributions import Categorical, Distribution, Independent, MixtureSameFamily, Normal

from vae_exp.priors.base import Encode, Prior
from vae_exp.types import Count, NonNegative


class Mixture(Prior):
    """p(z) = sum_k pi_k N(z; mu_k, diag(sigma_k^2)); weights, means and variances are learned.

    Args:
        event_shape: Shape of the latent, (latent_dim,).
        x_shape: Not needed.
        num_components: Number of components; they begin with equal weights and variance 1.
        spread: Standard deviation of the means at the beginning; at 0 all components would stay alike.

    Source: Dilokthanakul et al., 2016, "Deep unsupervised clustering with Gaussian mixture variational autoencoders",
        arXiv:1611.02648; as a learned prior: Tomczak & Welling, 2018, "VAE with a VampPrior", sec. 3, arXiv:1705.07120
    """

    def __init__(
        self, *, event_shape: tuple[int, ...], x_shape: tuple[int, ...], num_components: Count, spread: NonNegative
    ) -> None:
        super().__init__(event_shape=event_shape, x_shape=x_shape)
        self.logits = nn.Parameter(torch.zeros(num_components))
        self.loc = nn.Parameter(spread * torch.randn(num_components, *event_shape))
        self.log_scale = nn.Parameter(torch.zeros(num_components, *event_shape))

    def forward(self, encode: Encode) -> Distribution:
        del encode
        components = Independent(Normal(self.loc, self.log_scale.exp()), len(self.event_shape))
        return MixtureSameFamily(Categorical(logits=self.logits), components)
