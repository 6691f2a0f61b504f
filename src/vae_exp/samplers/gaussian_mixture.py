"""A mixture of Gaussians fitted to latents."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor
from torch.distributions import Categorical, Distribution, MixtureSameFamily, MultivariateNormal

from vae_exp.samplers.base import Sampler
from vae_exp.types import Count, Positive


class GaussianMixture(Sampler):
    """p(z) = sum_k pi_k N(z; mu_k, S_k), any covariances, fitted by expectation maximisation.

    Args:
        event_shape: Shape of the latent, (latent_dim,).
        num_components: Number of Gaussians K.
        covariance_floor: What is added to the variances of each Gaussian, as a fraction of the latents' mean variance.
        max_iterations: Of expectation maximisation, which ends earlier where it has converged.

    Source: Ghosh et al., 2020, "From variational to deterministic autoencoders" (ex-post density estimation),
        arXiv:1903.12436
    """

    logits: Tensor
    loc: Tensor
    scale_tril: Tensor

    def __init__(
        self, *, event_shape: tuple[int, ...], num_components: Count, covariance_floor: Positive, max_iterations: Count
    ) -> None:
        super().__init__(event_shape=event_shape)
        (dim,) = self.event_shape
        self.covariance_floor, self.max_iterations = covariance_floor, max_iterations
        self.register_buffer("logits", torch.zeros(num_components))
        self.register_buffer("loc", torch.zeros(num_components, dim))
        self.register_buffer("scale_tril", torch.eye(dim).repeat(num_components, 1, 1))

    def fit(self, z: Tensor) -> None:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.mixture import GaussianMixture as Fitter

        if len(z) < len(self.logits):
            raise ValueError(f"num_components={len(self.logits)} is more than the {len(z)} examples to fit them to")
        points = z.double().cpu()
        floor = self.covariance_floor * float(points.var(0, correction=0).mean())
        fitter = Fitter(len(self.logits), reg_covar=floor, max_iter=self.max_iterations, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the last iteration is a density, too
            fitter.fit(points.numpy())
        self.logits.copy_(torch.from_numpy(fitter.weights_).log())
        self.loc.copy_(torch.from_numpy(fitter.means_))
        self.scale_tril.copy_(torch.linalg.cholesky(torch.from_numpy(fitter.covariances_)))

    def forward(self) -> Distribution:
        components = MultivariateNormal(self.loc, scale_tril=self.scale_tril)
        return MixtureSameFamily(Categorical(logits=self.logits), components)
