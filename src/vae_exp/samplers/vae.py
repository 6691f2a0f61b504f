"""A second VAE, of the latents of the first."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, Normal

from vae_exp.distributions.kl import distortion, rate
from vae_exp.distributions.marginal import Marginal
from vae_exp.heads.likelihoods.gaussian import GaussianLikelihood
from vae_exp.heads.posteriors.diag_normal import DiagNormal
from vae_exp.models.vae import VAE
from vae_exp.nets.layers import Activation
from vae_exp.nets.mlp import MLP
from vae_exp.priors.standard_normal import StandardNormal
from vae_exp.samplers.base import Sampler
from vae_exp.samplers.fitting import fit_by_adam, moments
from vae_exp.types import Batch, Count, DataSpec, Fraction, Positive


class SecondVAE(Sampler):
    """z = m + s * z',  p(z') = integral of N(z'; f(u), gamma^2) N(u; 0, 1) over u, a VAE fitted by its ELBO.

    m and s are the latents' mean and standard deviation, u has as many dimensions as z, and gamma is learned, one
    number for each dimension (the paper has one for all). The latents fill their space, so that this VAE, unlike the
    first, can match their law; its samples are decoded by the first.

    Args:
        event_shape: Shape of the latent, (latent_dim,).
        hidden: Widths of the layers of its encoder and, in reverse, its decoder.
        activation: Activation, by its name in torch.nn.
        min_log_scale: Lower bound of log gamma, approached smoothly.
        min_log_var: Lower bound of the log-variance of q(u|z).
        max_log_var: Upper bound of it.
        steps: Steps of Adam.
        batch_size: Latents of a step.
        learning_rate: At the beginning; it falls to 0 along a cosine.
        held_out: Fraction of the latents that decides which weights are kept.

    Source: Dai & Wipf, 2019, "Diagnosing and enhancing VAE models", sec. 4, arXiv:1903.05789
    """

    mean: Tensor
    scale: Tensor

    def __init__(
        self,
        *,
        event_shape: tuple[int, ...],
        hidden: Sequence[Count],
        activation: Activation,
        min_log_scale: float,
        min_log_var: float,
        max_log_var: float,
        steps: Count,
        batch_size: Count,
        learning_rate: Positive,
        held_out: Fraction,
    ) -> None:
        super().__init__(event_shape=event_shape)
        self.steps, self.batch_size, self.learning_rate, self.held_out = steps, batch_size, learning_rate, held_out
        (dim,) = self.event_shape
        net = partial(MLP, activation=activation, norm="none", init="torch")
        self.vae = VAE(
            spec=DataSpec(self.event_shape, "unit_interval", train_size=0),
            latent_dim=dim,
            context="none",
            label_embedding=0,
            start_at_data_mean=False,
            encoder=partial(net, hidden=hidden),
            decoder=partial(net, hidden=hidden[::-1]),
            posterior=partial(DiagNormal, min_log_var=min_log_var, max_log_var=max_log_var),
            prior=StandardNormal,
            likelihood=partial(GaussianLikelihood, scale=1.0, learn_scale=True, min_log_scale=min_log_scale),
        )
        self.register_buffer("mean", torch.zeros(self.event_shape))
        self.register_buffer("scale", torch.ones(self.event_shape))

    def fit(self, z: Tensor) -> None:
        if len(z) < 2:
            raise ValueError(f"a VAE needs two examples or more to be fitted to; there are {len(z)}")
        for mine, found in zip((self.mean, self.scale), moments(z), strict=True):
            mine.copy_(found)
        fit_by_adam(
            self,
            self.nelbo,
            z,
            steps=self.steps,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            held_out=self.held_out,
        )

    def nelbo(self, z: Tensor, num_samples: int = 1) -> Tensor:
        """Negative ELBO of latents [N, *event_shape], an upper bound of -log p(z); [N], nats."""
        batch: Batch = {"x": (z - self.mean) / self.scale}
        out = self.vae(batch, num_samples)
        nats: Tensor = distortion(out, batch).mean(0) + rate(out) + self.scale.log().sum()
        return nats

    def forward(self) -> Distribution:
        return Marginal(self.vae.prior(self.vae.encode), self._given, self.event_shape)

    def _given(self, u: Tensor) -> Distribution:
        p = self.vae.decode(u)
        assert isinstance(p, Independent)
        return Independent(Normal(self.mean + self.scale * p.base_dist.mean, self.scale * p.base_dist.stddev), 1)
