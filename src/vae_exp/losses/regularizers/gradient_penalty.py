"""The slope of the decoder at the latents of the batch."""

from __future__ import annotations

import warnings
from typing import Any, cast

import torch
from torch import Tensor
from torch.func import jvp, vmap

from vae_exp.losses.regularizers.base import Regularizer
from vae_exp.types import Batch, Context, NonNegative, VAEOutput


class GradientPenalty(Regularizer):
    """|d g(z) / dz|^2, the sum of squares of the Jacobian of g(z), the mean of p(x|z), at each latent of the batch.

    It is exact: one derivative along each latent dimension, which share one pass through the decoder; time and memory
    grow with latent_dim, not with the number of pixels. Its gradient reaches decoder and encoder.

    torch.compile does not trace it through layer and group norms, of whose forward derivative torch has no rule there;
    without forward derivatives it would need third ones, which torch gets wrong for those norms.

    Args:
        weight: Its weight (lambda), in nats.

    Source: Ghosh et al., 2020, "From variational to deterministic autoencoders", sec. 3, arXiv:1903.12436
    """

    needs = ("separate",)

    def __init__(self, *, weight: NonNegative) -> None:
        super().__init__()
        self.weight = weight
        with warnings.catch_warnings():  # of torch, about itself, when it first differentiates forward
            warnings.simplefilter("ignore", FutureWarning)
            jvp(torch.sin, (torch.zeros(()),), (torch.ones(()),))

    def forward(self, out: VAEOutput, batch: Batch, ctx: Context) -> Tensor:
        ((_, _, z),) = out.latents

        def decoded(latents: Tensor) -> Tensor:
            mean: Tensor = cast(Any, ctx.model).decode(latents, batch.get("y")).mean
            return mean

        def along(direction: Tensor) -> Tensor:
            slope: Tensor = jvp(decoded, (z,), (direction.expand_as(z),))[1]
            return slope

        slopes: Tensor = vmap(along)(torch.eye(z.shape[-1], dtype=z.dtype, device=z.device))  # [D, K, B, *x_shape]
        return slopes.square().sum(0).flatten(2).sum(-1)
