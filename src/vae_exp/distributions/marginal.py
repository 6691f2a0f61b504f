"""The law of what is drawn in two steps."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints

from vae_exp.distributions.tempered import tempered


class Marginal(Distribution):
    """z ~ p(z|u) with u ~ p(u), batch_shape []; it can be drawn from, and has no density in closed form.

    Args:
        p_u: The law of u, batch_shape [].
        given: u [N, ...] -> p(z|u), batch_shape [N].
        event_shape: Shape of z.
    """

    arg_constraints = {}  # noqa: RUF012 - torch's own interface
    support = constraints.real_vector

    def __init__(
        self, p_u: Distribution, given: Callable[[Tensor], Distribution], event_shape: torch.Size | tuple[int, ...]
    ) -> None:
        super().__init__(event_shape=torch.Size(event_shape), validate_args=False)
        self.p_u, self.given = p_u, given

    def sample(self, sample_shape: torch.Size | list[int] | tuple[int, ...] = ()) -> Tensor:
        """Draws, [*sample_shape, *event_shape]."""
        shape = torch.Size(sample_shape)
        u = self.p_u.sample(torch.Size([shape.numel()]))
        z: Tensor = self.given(u).sample()
        return z.reshape(*shape, *self.event_shape)


@tempered.register(Marginal)
def _(p: Marginal, temperature: float) -> Distribution:
    """Both spreads are multiplied."""
    return Marginal(tempered(p.p_u, temperature), lambda u: tempered(p.given(u), temperature), p.event_shape)
