"""The slope of the decoder at the latents of the batch."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import jvp, vmap
from torch.overrides import TorchFunctionMode

from vae_exp.losses.regularizers.base import Regularizer
from vae_exp.types import Batch, Context, NonNegative, VAEOutput


class GradientPenalty(Regularizer):
    """|d g(z) / dz|^2, the sum of squares of the Jacobian of g(z), the mean of p(x|z), at each latent of the batch.

    It is exact: one derivative along each latent dimension, which share one pass through the decoder; time and memory
    grow with latent_dim, not with the number of pixels. Its gradient reaches decoder and encoder.

    torch.compile does not trace it: it has no rule for forward derivatives of some layers.

    Args:
        weight: Its weight (lambda), in nats.

    Source: Ghosh et al., 2020, "From variational to deterministic autoencoders", sec. 3, arXiv:1903.12436
    """

    needs = ("separate",)

    def __init__(self, *, weight: NonNegative) -> None:
        super().__init__(weight)
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

        with _LayerNormByHand():
            slopes: Tensor = vmap(along)(torch.eye(z.shape[-1], dtype=z.dtype, device=z.device))  # [D, K, B, *x_shape]
        return slopes.square().sum(0).flatten(2).sum(-1)


class _LayerNormByHand(TorchFunctionMode):
    """Layer norm from elementary operations.

    The derivative of torch's own forward derivative takes mean and variance for constants, and is wrong.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return (_layer_norm if func is F.layer_norm else func)(*args, **(kwargs or {}))


def _layer_norm(
    x: Tensor, shape: Sequence[int], weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    axes = tuple(range(-len(shape), 0))
    centred = x - x.mean(axes, keepdim=True)
    out = centred * (centred.square().mean(axes, keepdim=True) + eps).rsqrt()
    out = out if weight is None else out * weight
    return out if bias is None else out + bias
