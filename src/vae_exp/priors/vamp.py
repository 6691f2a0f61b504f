"""The variational mixture of posteriors."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.distributions import Categorical, Distribution, MixtureSameFamily

from vae_exp.errors import UserError
from vae_exp.priors.base import Encode, Prior
from vae_exp.types import Count, NonNegative


class VampPrior(Prior):
    """p(z) = (1/K) sum_k q(z|u_k), with learned pseudo-inputs u_k in [0, 1].

    One pass of the encoder a step for all K. The authors keep u in [0, 1] by a hard tanh, which has no gradient at its
    ends: pseudo-inputs begun at black and white pixels would stay there. Here the gradient is dropped only where it
    points out of the interval; what momentum carries beyond an end comes back when the gradient turns.

    Args:
        event_shape: Shape of the latent, (latent_dim,).
        x_shape: Shape of an example, and of a pseudo-input.
        num_components: Number of pseudo-inputs K.
        start: At random, or at training examples.
        random_mean: Mean of random pseudo-inputs, before they are cut to [0, 1].
        random_std: Their standard deviation.

    Source: Tomczak & Welling, 2018, "VAE with a VampPrior", eq. 9, arXiv:1705.07120
    """

    of_encoder = True
    logits: Tensor

    def __init__(
        self,
        *,
        event_shape: tuple[int, ...],
        x_shape: tuple[int, ...],
        num_components: Count,
        start: Literal["random", "data"],
        random_mean: float,
        random_std: NonNegative,
    ) -> None:
        super().__init__(event_shape=event_shape, x_shape=x_shape)
        self.start = start
        at_random = random_mean + random_std * torch.randn(num_components, *self.x_shape)
        self.pseudo_inputs = nn.Parameter(at_random.clamp(0, 1))
        self.register_buffer("logits", torch.zeros(num_components), persistent=False)

    @torch.no_grad()
    def start_from_data(self, x: Tensor) -> None:
        """Begin at some of the examples, [N, *x_shape].

        Raises:
            UserError: There are fewer examples than pseudo-inputs.
        """
        if self.start == "random":
            return
        count = len(self.pseudo_inputs)
        if len(x) < count:
            raise UserError(
                f"model.prior.num_components={count} is more than the {len(x)} training examples to start from; "
                "use fewer, or model.prior.start=random"
            )
        self.pseudo_inputs.copy_(x[torch.randperm(len(x))[:count].to(x.device)])

    def forward(self, encode: Encode) -> Distribution:
        inside: Tensor = _UnitInterval.apply(self.pseudo_inputs)
        return MixtureSameFamily(Categorical(logits=self.logits), encode(inside))


class _UnitInterval(torch.autograd.Function):
    """Cut to [0, 1]; the gradient passes unless a step along it would lead further outside."""

    @staticmethod
    def forward(ctx: Any, u: Tensor) -> Tensor:
        ctx.save_for_backward(u)
        return u.clamp(0, 1)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (u,) = ctx.saved_tensors
        outward = ((u <= 0) & (grad > 0)) | ((u >= 1) & (grad < 0))
        return torch.where(outward, torch.zeros_like(grad), grad)
