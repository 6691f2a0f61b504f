"""A categorical distribution over equally spaced levels of [0, 1]."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Categorical, Distribution, constraints


class CategoricalLevels(Distribution):
    """P(x = l / (L-1)) = softmax(logits)_l, l = 0 .. L-1.

    Args:
        logits: [..., L].

    Source: van den Oord et al., 2016, "Pixel recurrent neural networks", sec. 2.2, arXiv:1601.06759
    """

    arg_constraints = {"logits": constraints.real_vector}  # noqa: RUF012 - torch's own interface
    support = constraints.unit_interval
    has_rsample = False

    def __init__(self, logits: Tensor, *, validate_args: bool | None = None) -> None:
        self.logits = logits
        self.levels = logits.shape[-1]
        super().__init__(logits.shape[:-1], validate_args=validate_args)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log mass of each pixel, nats; `value` lies on the levels, in [0, 1]."""
        if self._validate_args:
            self._validate_sample(value)
        shape = torch.broadcast_shapes(value.shape, self.batch_shape)
        index = (value * (self.levels - 1)).round().long().expand(shape)[..., None]
        chosen = self.logits.expand(*shape, self.levels).gather(-1, index)[..., 0]
        return chosen - self.logits.logsumexp(-1)

    @property
    def mean(self) -> Tensor:
        """[*batch_shape], in [0, 1]."""
        values = torch.linspace(0, 1, self.levels, dtype=self.logits.dtype, device=self.logits.device)
        return self.logits.softmax(-1) @ values

    @torch.no_grad()
    def sample(self, sample_shape: torch.Size | list[int] | tuple[int, ...] = ()) -> Tensor:
        """Draw levels, [*sample_shape, *batch_shape], in [0, 1]."""
        categorical = Categorical(logits=self.logits, validate_args=False)
        drawn: Tensor = categorical.sample(torch.Size(sample_shape))
        return drawn.to(self.logits.dtype) / (self.levels - 1)
