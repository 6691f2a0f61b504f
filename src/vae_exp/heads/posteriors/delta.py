"""The posterior of a plain autoencoder."""

from __future__ import annotations

from torch import Tensor
from torch.distributions import Distribution

from vae_exp.distributions.delta import Delta
from vae_exp.heads.base import Posterior


class PointPosterior(Posterior):
    """q(z|x) is the point z = f(x): no noise, no density, hence no rate, no ELBO and no likelihood.

    Args:
        event_shape: Shape of the latent, (latent_dim,).

    Source: Hinton & Salakhutdinov, 2006, "Reducing the dimensionality of data with neural networks", Science 313
    """

    params_per_dim = 1
    density = False

    def forward(self, params: Tensor) -> Distribution:
        (point,) = self.split(params)
        return Delta(point, event_ndim=self.event_ndim)
