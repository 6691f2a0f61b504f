"""Gaussian pixels whose scale is a number, fixed or learned for each channel."""

from __future__ import annotations

from torch import Tensor
from torch.distributions import Distribution, Independent, Normal

from vae_exp.heads.likelihoods.location_scale import LocationLikelihood


class GaussianLikelihood(LocationLikelihood):
    """p(x|z) = N(x; mu(z), sigma^2), sigma a constant or one learned number for each channel.

    Args:
        event_shape: Shape of x, (channels, height, width).
        scale: sigma, or where its learning starts, on the scale of the data ([0, 1]).
        learn_scale: Whether sigma is learned.
        min_log_scale: Lower bound of log sigma, approached smoothly; without it a perfect fit has infinite density.

    Source: Rybkin et al., 2021, "Simple and effective VAE training with calibrated decoders", sec. 3.1 and app. A,
        arXiv:2006.13202
    """

    def forward(self, params: Tensor) -> Distribution:
        return Independent(Normal(*self.location_and_scale(params)), self.event_ndim)
