"""A normalising flow fitted to latents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.distributions import AffineTransform, Distribution, TransformedDistribution

from vae_exp.priors.flow import FlowPrior
from vae_exp.samplers.base import Sampler
from vae_exp.samplers.fitting import fit_by_adam, moments
from vae_exp.types import Count, Fraction, Positive


class Flow(Sampler):
    """p(z) = N(f((z - m) / s); 0, 1) |det df/dz|, with m and s of the latents, f autoregressive and fitted by Adam.

    Some latents are held out, and the weights at which they are likeliest are kept: a flow can learn its points by
    heart.

    Args:
        event_shape: Shape of the latent, (latent_dim,).
        kind: What each dimension undergoes: an affine map (MAF), or a rational-quadratic spline on [-5, 5] (NSF).
        transforms: Number of autoregressive transformations, in alternating order.
        hidden: Widths of each one's network.
        steps: Steps of Adam.
        batch_size: Latents of a step.
        learning_rate: At the beginning; it falls to 0 along a cosine.
        held_out: Fraction of the latents that is not fitted.

    Source: Ghosh et al., 2020, "From variational to deterministic autoencoders" (ex-post density estimation),
        arXiv:1903.12436; the flow: Papamakarios et al., 2017, "Masked autoregressive flow", arXiv:1705.07057
    """

    mean: Tensor
    scale: Tensor

    def __init__(
        self,
        *,
        event_shape: tuple[int, ...],
        kind: Literal["affine", "spline"],
        transforms: Count,
        hidden: Sequence[Count],
        steps: Count,
        batch_size: Count,
        learning_rate: Positive,
        held_out: Fraction,
    ) -> None:
        super().__init__(event_shape=event_shape)
        self.steps, self.batch_size, self.learning_rate, self.held_out = steps, batch_size, learning_rate, held_out
        self.flow = FlowPrior(event_shape=event_shape, x_shape=(), kind=kind, transforms=transforms, hidden=hidden)
        self.register_buffer("mean", torch.zeros(event_shape))
        self.register_buffer("scale", torch.ones(event_shape))

    def fit(self, z: Tensor) -> None:
        if len(z) < 2:
            raise ValueError(f"a flow needs two examples or more to be fitted to; there are {len(z)}")
        for mine, found in zip((self.mean, self.scale), moments(z), strict=True):
            mine.copy_(found)
        fit_by_adam(
            self,
            lambda part: -self().log_prob(part),
            z,
            steps=self.steps,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            held_out=self.held_out,
        )

    def forward(self) -> Distribution:
        # The prior is not handed an encoder, of which it is not made.
        standard = self.flow(_no_encoder)
        return TransformedDistribution(standard, [AffineTransform(self.mean, self.scale, event_dim=1)])


def _no_encoder(x: Tensor) -> Distribution:
    raise AssertionError(f"a flow is not made of the encoder, which was shown {tuple(x.shape)}")
