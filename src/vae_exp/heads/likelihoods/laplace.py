"""Laplace pixels, whose log-likelihood is the absolute error."""

from __future__ import annotations

from torch import Tensor
from torch.distributions import Distribution, Independent, Laplace

from vae_exp.heads.likelihoods.location_scale import LocationLikelihood


class LaplaceLikelihood(LocationLikelihood):
    """p(x|z) = prod_d exp(-|x_d - mu_d(z)| / b) / (2 b), b a constant or one learned number for each channel.

    Args:
        event_shape: Shape of x, (channels, height, width).
        scale: b, or where its learning starts, on the scale of the data ([0, 1]).
        learn_scale: Whether b is learned.
        min_log_scale: Lower bound of log b, approached smoothly; without it a perfect fit has infinite density.

    Source: the learned scale: Rybkin et al., 2021, "Simple and effective VAE training with calibrated decoders",
        sec. 3.1, arXiv:2006.13202
    """

    def forward(self, params: Tensor) -> Distribution:
        return Independent(Laplace(*self.location_and_scale(params)), self.event_ndim)
