"""Sylvester flows."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Distribution

from vae_exp.distributions.flowed import Flowed
from vae_exp.heads.posteriors.flowed import FlowedPosterior
from vae_exp.types import Count


class Sylvester(FlowedPosterior):
    """z <- z + Q R tanh(R' Q^T z + b), some times over; all of Q, R, R' and b are given by the encoder.

    Q is a product of Householder reflections I - 2 v v^T / |v|^2, R and R' are upper triangular with diagonals in
    (-1, 1), which makes the map invertible: log |det| = sum_i log(1 + (1 - tanh^2)_i R_ii R'_ii), as Q drops out.

    Args:
        event_shape: Shape of the latent, (latent_dim,).
        transforms: Number of maps.
        reflections: Reflections of which each Q is made.
        min_log_var: Lower bound of the log-variance at the start.
        max_log_var: Upper bound of the log-variance at the start.

    Raises:
        ValueError: the latent is not a vector, or the bounds are not in order.

    Source: van den Berg et al., 2018, "Sylvester normalizing flows for variational inference" (the variant with
        Householder reflections), arXiv:1803.05649
    """

    def __init__(
        self,
        *,
        event_shape: tuple[int, ...],
        transforms: Count,
        reflections: Count,
        min_log_var: float,
        max_log_var: float,
    ) -> None:
        dim = event_shape[0]
        self.sizes = [dim * dim, dim, dim, reflections * dim]
        extra = transforms * sum(self.sizes)
        super().__init__(event_shape=event_shape, extra=extra, min_log_var=min_log_var, max_log_var=max_log_var)
        self.transforms, self.reflections = transforms, reflections

    def flowed(self, base: Distribution, c: Tensor) -> Distribution:
        square, diagonal, b, v = c.unflatten(-1, (self.transforms, sum(self.sizes))).split(self.sizes, dim=-1)
        # One square of numbers holds both triangles, and one diagonal of the two.
        square = square.unflatten(-1, (self.dim, self.dim))
        outer_diagonal = torch.tanh(square.diagonal(dim1=-2, dim2=-1))
        inner_diagonal = torch.tanh(diagonal)
        outer = square.triu(1) + torch.diag_embed(outer_diagonal)
        inner = square.mT.triu(1) + torch.diag_embed(inner_diagonal)
        normals = F.normalize(v.unflatten(-1, (self.reflections, self.dim)), dim=-1)

        def forward(z: Tensor) -> tuple[Tensor, Tensor]:
            log_det = torch.zeros_like(z[..., 0])
            for t in range(self.transforms):
                mirrors = normals[..., t, :, :].unbind(-2)
                bent = torch.tanh(_times(inner[..., t, :, :], _reflected(z, mirrors)) + b[..., t, :])
                z = z + _reflected(_times(outer[..., t, :, :], bent), mirrors[::-1])
                stretch = (1 - bent.square()) * outer_diagonal[..., t, :] * inner_diagonal[..., t, :]
                log_det = log_det + torch.log1p(stretch).sum(-1)
            return z, log_det

        return Flowed(base, forward, None, name="sylvester")


def _times(matrix: Tensor, z: Tensor) -> Tensor:
    return (matrix @ z.unsqueeze(-1)).squeeze(-1)


def _reflected(z: Tensor, normals: tuple[Tensor, ...]) -> Tensor:
    """Mirror z at the hyperplanes with these unit normals, one after the other."""
    for normal in normals:
        z = z - 2 * (normal * z).sum(-1, keepdim=True) * normal
    return z
