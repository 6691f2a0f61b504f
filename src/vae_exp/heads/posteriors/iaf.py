"""The inverse autoregressive flow."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.distributions import Distribution
from zuko.flows import MaskedAutoregressiveTransform

from vae_exp.distributions.flowed import Flowed, back, through
from vae_exp.heads.posteriors.flowed import FlowedPosterior
from vae_exp.types import Count, CountOrZero


class IAF(FlowedPosterior):
    """z_i = m_i(z'_<i, c) + s_i(z'_<i, c) z'_i, some times over in alternating order; z' begins as a diagonal Gaussian.

    A sample and its density take one pass of each network, the density of any other point latent_dim passes. The
    scales s are bounded (softly, by e^+-7), where the authors have a sigmoid.

    Args:
        event_shape: Shape of the latent, (latent_dim,).
        transforms: Number of autoregressive transformations.
        hidden: Widths of each one's network.
        context_width: Size of the context c that the encoder gives to all of them.
        min_log_var: Lower bound of the log-variance at the start.
        max_log_var: Upper bound of the log-variance at the start.

    Raises:
        ValueError: the latent is not a vector, or the bounds are not in order.

    Source: Kingma et al., 2016, "Improving variational inference with inverse autoregressive flow", eq. 10-11,
        arXiv:1606.04934
    """

    def __init__(
        self,
        *,
        event_shape: tuple[int, ...],
        transforms: Count,
        hidden: Sequence[Count],
        context_width: CountOrZero,
        min_log_var: float,
        max_log_var: float,
    ) -> None:
        super().__init__(event_shape=event_shape, extra=context_width, min_log_var=min_log_var, max_log_var=max_log_var)
        order = torch.arange(self.dim)
        self.steps = nn.ModuleList(
            MaskedAutoregressiveTransform(
                self.dim, context_width, order=order.flip(0) if t % 2 else order, hidden_features=tuple(hidden)
            )
            for t in range(transforms)
        )

    def flowed(self, base: Distribution, c: Tensor) -> Distribution:
        steps = [step(c if self.extra else None) for step in self.steps]

        return Flowed(base, partial(through, steps), partial(back, steps), name="iaf")
