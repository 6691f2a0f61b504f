"""Student's t pixels, which forgive outliers."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Gt
from torch import Tensor
from torch.distributions import Distribution, Independent, StudentT

from vae_exp.heads.likelihoods.location_scale import LocationLikelihood
from vae_exp.types import Positive


class StudentTLikelihood(LocationLikelihood):
    """p(x|z) = prod_d t_nu((x_d - mu_d(z)) / sigma) / sigma, t_nu being Student's density.

    It has nu degrees of freedom; its standard deviation is sigma sqrt(nu / (nu - 2)), infinite for nu <= 2.

    Args:
        event_shape: Shape of x, (channels, height, width).
        df: nu, above 1, below which there is no mean.
        scale: sigma, or where its learning starts, on the scale of the data ([0, 1]).
        learn_scale: Whether sigma is learned.
        min_log_scale: Lower bound of log sigma, approached smoothly.

    Source: Takahashi et al., 2018, "Student-t variational autoencoder for robust density estimation", IJCAI
        2018, where the network also gives nu and sigma of each pixel
    """

    def __init__(
        self,
        *,
        event_shape: tuple[int, ...],
        df: Annotated[float, Gt(1)],
        scale: Positive,
        learn_scale: bool,
        min_log_scale: float,
    ) -> None:
        super().__init__(event_shape=event_shape, scale=scale, learn_scale=learn_scale, min_log_scale=min_log_scale)
        self.df = df

    def forward(self, params: Tensor) -> Distribution:
        return Independent(StudentT(self.df, *self.location_and_scale(params)), self.event_ndim)
