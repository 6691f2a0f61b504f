"""A logistic distribution integrated over equally spaced levels of [0, 1]: a probability mass for pixels."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Distribution, constraints

from vae_exp.distributions.bernoulli import log_prob_of_bits


class DiscretizedLogistic(Distribution):
    """P(x = k/(L-1)) = sigmoid((x + h - loc) / scale) - sigmoid((x - h - loc) / scale), h = 1 / (2 (L-1)).

    The lowest level takes all mass below it and the highest all mass above it, so that the L masses sum to 1.

    Args:
        loc: Location of the logistic on the scale of the data, [0, 1].
        log_scale: Logarithm of its scale, same units.
        levels: Number of levels L.

    Source: Kingma et al., 2016, "Improving variational inference with inverse autoregressive flow", app. C,
        arXiv:1606.04934
    """

    arg_constraints = {"loc": constraints.real, "log_scale": constraints.real}  # noqa: RUF012 - torch's own interface
    support = constraints.unit_interval
    has_rsample = False

    def __init__(self, loc: Tensor, log_scale: Tensor, *, levels: int, validate_args: bool | None = None) -> None:
        self.loc, self.log_scale = torch.broadcast_tensors(loc, log_scale)
        self.levels = levels
        super().__init__(self.loc.shape, validate_args=validate_args)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log mass of each pixel, nats; `value` lies on the levels, in [0, 1]."""
        if self._validate_args:
            self._validate_sample(value)
        half = 0.5 / (self.levels - 1)
        inv_scale = torch.exp(-self.log_scale)
        centred = value - self.loc
        upper = (centred + half) * inv_scale
        lower = (centred - half) * inv_scale
        # log(sigmoid(u) - sigmoid(l)) = log sigmoid(u) + log sigmoid(-l) + log(1 - exp(l - u)), exact in the far tails.
        width = 2 * half * inv_scale
        below, above = log_prob_of_bits(upper, 1.0), log_prob_of_bits(lower, 0.0)
        inside = below + above + torch.log(-torch.expm1(-width))
        return torch.where(value < half, below, torch.where(value > 1 - half, above, inside))

    @property
    def mean(self) -> Tensor:
        """Mean of the logistic moved into [0, 1], scale * (softplus(loc/scale) - softplus((loc-1)/scale)).

        The mean over the levels is the midpoint rule of the same integral, and differs by less than half a level.
        """
        scale = torch.exp(self.log_scale)
        return scale * (F.softplus(self.loc / scale) - F.softplus((self.loc - 1) / scale))

    @torch.no_grad()
    def sample(self, sample_shape: torch.Size | list[int] | tuple[int, ...] = ()) -> Tensor:
        """Draw levels with exactly the masses of `log_prob`."""
        shape = self._extended_shape(torch.Size(sample_shape))
        uniform = torch.rand(shape, dtype=self.loc.dtype, device=self.loc.device).clamp(1e-7, 1 - 1e-7)
        x = self.loc + torch.exp(self.log_scale) * torch.logit(uniform)
        return torch.round(x.clamp(0.0, 1.0) * (self.levels - 1)) / (self.levels - 1)
