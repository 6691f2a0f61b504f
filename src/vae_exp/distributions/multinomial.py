"""The multinomial distribution of counts whose total is given with them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Categorical, Distribution, constraints


class Multinomial(Distribution):
    """P(x | N) = N! prod_i p_i^x_i / x_i!, p = softmax(logits) over all entries of the event, N = sum_i x_i.

    That of torch must be told N, one for the whole batch; here N is taken from each x. `mean` and `sample` are those of
    one count, N = 1.

    Args:
        logits: [*batch_shape, *event_shape].
        event_ndim: Number of axes of an event.

    Source: Liang et al., 2018, "Variational autoencoders for collaborative filtering", arXiv:1802.05814
    """

    arg_constraints = {"logits": constraints.real}  # noqa: RUF012 - torch's own interface
    has_rsample = False

    def __init__(self, logits: Tensor, *, event_ndim: int, validate_args: bool | None = None) -> None:
        self.logits = logits
        split = logits.ndim - event_ndim
        super().__init__(logits.shape[:split], logits.shape[split:], validate_args=validate_args)

    @property
    def support(self) -> constraints.Constraint:
        return constraints.independent(constraints.nonnegative_integer, len(self.event_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        """Log mass of counts [..., *event_shape] given their sum, nats."""
        if self._validate_args:
            self._validate_sample(value)
        counts, log_p = self._flat(value), self._flat(self.logits).log_softmax(-1)
        orders = torch.lgamma(counts.sum(-1) + 1) - torch.lgamma(counts + 1).sum(-1)
        return orders + (counts * log_p).sum(-1)

    @property
    def mean(self) -> Tensor:
        """Probability of each entry, [*batch_shape, *event_shape]; they sum to one over the event."""
        return self._flat(self.logits).softmax(-1).reshape(self.logits.shape)

    @torch.no_grad()
    def sample(self, sample_shape: torch.Size | list[int] | tuple[int, ...] = ()) -> Tensor:
        """One count, [*sample_shape, *batch_shape, *event_shape]: 1 at one entry of the event and 0 elsewhere."""
        flat = self._flat(self.logits)
        drawn = Categorical(logits=flat, validate_args=False).sample(torch.Size(sample_shape))
        one_hot = torch.zeros(*drawn.shape, flat.shape[-1], dtype=flat.dtype, device=flat.device)
        return one_hot.scatter(-1, drawn[..., None], 1.0).reshape(self._extended_shape(torch.Size(sample_shape)))

    def _flat(self, events: Tensor) -> Tensor:
        """[..., *event_shape] -> [..., number of entries]."""
        return events.flatten(-len(self.event_shape))
