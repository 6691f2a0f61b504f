"""Codes by rounding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated

import torch
from annotated_types import Ge
from torch import Tensor
from torch.distributions import Distribution

from vae_exp.distributions.code_point import CodePoint
from vae_exp.heads.code_gradients import straight_through
from vae_exp.heads.codes import CodePosterior

MARGIN = 1e-3
"""Keeps bounded numbers off the half that would be rounded to a level beyond the last."""


class FiniteScalarQuantised(CodePosterior):
    """q(c|x) = 1 for the code that rounding makes of f_i(x), the encoder's vector at position i.

    Number j of the vector is bounded to an interval of L_j whole numbers and rounded, with the gradient of the bound:
    round((L_j - 1) / 2 * tanh(f_ij + s_j) - o_j), o_j = 1/2 for an even L_j and 0 for an odd one, and s_j such that 0
    stays 0. All vectors of such numbers are codes: there is no codebook to learn, and no loss for one. The decoder sees
    them divided by the whole part of L_j / 2, in [-1, 1]. The rate is -log p(c), exactly.

    The paper's code has tan for atanh in s_j, which is the same to third order.

    Args:
        event_shape: Shape of the latent, (latent_dim,), positions times the number of levels given.
        levels: L_j, of each number of a code's vector; their product is the number of codes.

    Raises:
        ValueError: latent_dim is no multiple of how many levels are given.

    Source: Mentzer et al., 2023, "Finite scalar quantization: VQ-VAE made simple", sec. 3.1 and app. A,
        arXiv:2309.15505
    """

    levels: Tensor
    radix: Tensor
    middle: Tensor

    def __init__(self, *, event_shape: tuple[int, ...], levels: Sequence[Annotated[int, Ge(3)]]) -> None:
        super().__init__(event_shape=event_shape, code_dim=len(levels), categories=math.prod(levels))
        radix = [math.prod(levels[:j]) for j in range(len(levels))]
        self.register_buffer("levels", torch.tensor(levels), persistent=False)
        self.register_buffer("radix", torch.tensor(radix), persistent=False)
        self.register_buffer("middle", torch.tensor(levels) // 2, persistent=False)

    def forward(self, params: Tensor) -> Distribution:
        (encoded,) = self.split(params)
        bounded = self._bounded(self.by_position(encoded))
        vectors = straight_through(bounded, bounded.round()) / self.middle
        codes = self._number(bounded.round())
        return CodePoint(codes, self.flat(vectors), self.flat(bounded / self.middle))

    def lookup(self, codes: Tensor) -> Tensor:
        digits = codes[..., None] // self.radix % self.levels
        return (digits - self.middle) / self.middle

    def nearest(self, vectors: Tensor) -> Tensor:
        return self._number((vectors * self.middle).round())

    def _bounded(self, v: Tensor) -> Tensor:
        reach = (self.levels - 1) / 2 * (1 - MARGIN)
        offset = (self.levels % 2 == 0) / 2
        return torch.tanh(v + torch.atanh(offset / reach)) * reach - offset

    def _number(self, steps: Tensor) -> Tensor:
        """Whole numbers around 0 as digits of the code's number, [..., code_dim] -> [...] int64."""
        digits = (steps.long() + self.middle).clamp_min(0).minimum(self.levels - 1)
        return (digits * self.radix).sum(-1)
