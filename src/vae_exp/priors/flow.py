"""A learned normalising flow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.distributions import Distribution
from zuko.flows import MAF, NSF

from vae_exp.distributions.flowed import Straightened
from vae_exp.priors.base import Encode, Prior
from vae_exp.types import Count

KINDS = {"affine": MAF, "spline": NSF}


class FlowPrior(Prior):
    """p(z) = N(f(z); 0, 1) |det df/dz|, f autoregressive: log p(z) takes one pass, a sample latent_dim passes.

    Args:
        event_shape: Shape of the latent, (latent_dim,).
        x_shape: Not needed.
        kind: What each dimension undergoes: an affine map (MAF), or a rational-quadratic spline on [-5, 5] (NSF).
        transforms: Number of autoregressive transformations, in alternating order.
        hidden: Widths of each one's network.

    Raises:
        ValueError: the latent is not a vector.

    Source: Papamakarios et al., 2017, "Masked autoregressive flow", arXiv:1705.07057; splines: Durkan et al., 2019,
        "Neural spline flows", arXiv:1906.04032; as a prior: Chen et al., 2017, "Variational lossy autoencoder",
        sec. 3.2, arXiv:1611.02731
    """

    like: Tensor

    def __init__(
        self,
        *,
        event_shape: tuple[int, ...],
        x_shape: tuple[int, ...],
        kind: Literal["affine", "spline"],
        transforms: Count,
        hidden: Sequence[Count],
    ) -> None:
        super().__init__(event_shape=event_shape, x_shape=x_shape)
        if len(self.event_shape) != 1:
            raise ValueError(f"the flow prior is one over vectors, and the latent has the shape {self.event_shape}")
        flow = KINDS[kind](self.event_shape[0], transforms=transforms, hidden_features=tuple(hidden))
        self.steps = flow.transform.transforms
        self.register_buffer("like", torch.zeros(event_shape), persistent=False)

    def forward(self, encode: Encode) -> Distribution:
        del encode
        return Straightened([step(None) for step in self.steps], self.like)
