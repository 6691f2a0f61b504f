"""The slope of the decoder at the latents of the batch."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor
from torch.func import vjp, vmap

from vae_exp.losses.regularizers.base import Regularizer
from vae_exp.types import Batch, Context, NonNegative, VAEOutput


class GradientPenalty(Regularizer):
    """|d g(z) / dz|^2, the sum of squares of the Jacobian of g(z), the mean of p(x|z), at each latent of the batch.

    It is exact: one derivative along each latent dimension, which share one pass through the decoder; time and memory
    grow with latent_dim, not with the number of pixels. Its gradient reaches decoder and encoder.

    Args:
        weight: Its weight (lambda), in nats.

    Source: Ghosh et al., 2020, "From variational to deterministic autoencoders", sec. 3, arXiv:1903.12436
    """

    needs = ("separate",)

    def __init__(self, *, weight: NonNegative) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, out: VAEOutput, batch: Batch, ctx: Context) -> Tensor:
        ((_, _, z),) = out.latents

        def decoded(latents: Tensor) -> Tensor:
            mean: Tensor = cast(Any, ctx.model).decode(latents, batch.get("y")).mean
            return mean

        # J v is the derivative of J'u by u, along v: torch's own forward mode is not traced by torch.compile.
        mean, back, *_ = vjp(decoded, z)
        _, forth, *_ = vjp(lambda u: back(u)[0], torch.zeros_like(mean))

        def along(direction: Tensor) -> Tensor:
            slope: Tensor = forth(direction.expand_as(z))[0]
            return slope

        slopes: Tensor = vmap(along)(torch.eye(z.shape[-1], dtype=z.dtype, device=z.device))  # [D, K, B, *x_shape]
        return slopes.square().sum(0).flatten(2).sum(-1)
