"""A mixture of discretised logistics for whole pixels, whose colours are conditioned on each other."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Distribution, constraints

from vae_exp.distributions.discretized_logistic import DiscretizedLogistic


class DiscretizedLogisticMixture(Distribution):
    """P(pixel) = sum_m pi_m prod_c DiscretizedLogistic(x_c; loc_mc + sum_{d<c} a_mcd (x_d - 1/2), scale_mc).

    Pixels are independent. Colours are measured from 1/2, as in the paper's units of [-1, 1].

    Args:
        logits: Unnormalised log pi, [..., M, H, W].
        loc: Locations on the scale of the data, [0, 1], [..., M, C, H, W].
        log_scale: Logarithms of the scales, same units, [..., M, C, H, W].
        coefficients: a, [..., M, C (C-1) / 2, H, W], in the order (c, d) = (1, 0), (2, 0), (2, 1), (3, 0), ...
        levels: Number of levels.

    Source: Salimans et al., 2017, "PixelCNN++", eq. 1-3, arXiv:1701.05517
    """

    arg_constraints = {"logits": constraints.real, "loc": constraints.real}  # noqa: RUF012 - torch's own interface
    support = constraints.independent(constraints.unit_interval, 3)
    has_rsample = False

    def __init__(
        self,
        logits: Tensor,
        loc: Tensor,
        log_scale: Tensor,
        coefficients: Tensor,
        *,
        levels: int,
        validate_args: bool | None = None,
    ) -> None:
        self.logits, self.loc, self.log_scale, self.coefficients = logits, loc, log_scale, coefficients
        self.levels = levels
        super().__init__(loc.shape[:-4], loc.shape[-3:], validate_args=validate_args)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log mass of each picture, nats; `value` [..., C, H, W] lies on the levels, in [0, 1]."""
        if self._validate_args:
            self._validate_sample(value)
        x = value[..., None, :, :, :]  # one for all components
        loc = torch.stack([self._location(c, x) for c in range(self.event_shape[0])], dim=-3)
        logistics = DiscretizedLogistic(loc, self.log_scale, levels=self.levels, validate_args=False)
        by_component = logistics.log_prob(x).sum(-3) + F.log_softmax(self.logits, dim=-3)  # [..., M, H, W]
        return by_component.logsumexp(-3).sum((-1, -2))

    @property
    def mean(self) -> Tensor:
        """Mean of each colour, exact for the first up to half a level.

        For the others the colours before it are put at their means in each component, which is exact but for what
        the ends of [0, 1] cut off.
        """
        colours: list[Tensor] = []
        for c in range(self.event_shape[0]):
            colours.append(self._logistic(c, colours).mean)
        means = torch.stack(colours, dim=-3)  # [..., M, C, H, W]
        return (means * self.logits.softmax(-3)[..., None, :, :]).sum(-4)

    @torch.no_grad()
    def sample(self, sample_shape: torch.Size | list[int] | tuple[int, ...] = ()) -> Tensor:
        """Draw a component for each pixel, then its colours one after the other."""
        shape = torch.Size(sample_shape)
        uniform = torch.rand(shape + self.logits.shape, dtype=self.logits.dtype, device=self.logits.device)
        gumbel = -torch.log(-torch.log(uniform.clamp(1e-7, 1 - 1e-7)))
        chosen = (self.logits + gumbel).argmax(-3, keepdim=True)  # [..., 1, H, W]
        colours: list[Tensor] = []
        for c in range(self.event_shape[0]):
            logistic = self._logistic(c, colours)
            loc = logistic.loc.expand(*shape, *self.logits.shape).gather(-3, chosen)
            log_scale = logistic.log_scale.expand(*shape, *self.logits.shape).gather(-3, chosen)
            colours.append(DiscretizedLogistic(loc, log_scale, levels=self.levels, validate_args=False).sample())
        return torch.cat(colours, dim=-3)

    def _logistic(self, c: int, before: list[Tensor]) -> DiscretizedLogistic:
        """Colour c in each component given the colours before it, each [..., M or 1, H, W]."""
        x = torch.stack(before, dim=-3) if before else self.loc[..., :0, :, :]
        return DiscretizedLogistic(
            self._location(c, x), self.log_scale[..., c, :, :], levels=self.levels, validate_args=False
        )

    def _location(self, c: int, x: Tensor) -> Tensor:
        """Location of colour c in each component, [..., M, H, W], given x [..., M or 1, C, H, W]."""
        first = c * (c - 1) // 2
        weights = self.coefficients[..., first : first + c, :, :]
        return self.loc[..., c, :, :] + (weights * (x[..., :c, :, :] - 0.5)).sum(-3)
