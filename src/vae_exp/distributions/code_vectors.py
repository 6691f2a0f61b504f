"""The prior of latents that are codes."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor
from torch.distributions import Categorical, Distribution, constraints
from torch.distributions.kl import register_kl

from vae_exp.distributions.code_point import CodePoint
from vae_exp.distributions.tempered import tempered


class Codebook(Protocol):
    """Which vectors stand for which codes."""

    event_shape: tuple[int, ...]

    def vectors(self, codes: Tensor) -> Tensor:
        """[..., positions] int64 -> [..., D]."""

    def codes(self, z: Tensor) -> Tensor:
        """[..., D] -> the codes whose vectors are nearest, [..., positions] int64."""


class CodeVectors(Distribution):
    """Vectors of codes drawn from p(c); log p(z) is the log probability of the codes, nats.

    Args:
        p: Distribution of codes, event_shape (positions,).
        book: Their vectors.
    """

    arg_constraints = {}  # noqa: RUF012 - torch's own interface
    support = constraints.real_vector

    def __init__(self, p: Distribution, book: Codebook, *, validate_args: bool | None = None) -> None:
        self.p, self.book = p, book
        super().__init__(p.batch_shape, torch.Size(book.event_shape), validate_args=validate_args)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log probability of the codes of such vectors, [..., D] -> [...]."""
        nats: Tensor = self.p.log_prob(self.book.codes(value))
        return nats

    def sample(self, sample_shape: torch.Size | list[int] | tuple[int, ...] = ()) -> Tensor:
        """Vectors of drawn codes."""
        return self.book.vectors(self.p.sample(torch.Size(sample_shape)))


@register_kl(CodePoint, CodeVectors)  # type: ignore[untyped-decorator]
def _kl(q: CodePoint, p: CodeVectors) -> Tensor:
    """-log p(codes): exact, and without a gradient to whatever chose the codes; nats."""
    nats: Tensor = -p.p.log_prob(q.codes)
    return nats


@tempered.register(CodeVectors)
def _(p: CodeVectors, temperature: float) -> Distribution:
    return CodeVectors(tempered(p.p, temperature), p.book)


@tempered.register(Categorical)
def _(p: Categorical, temperature: float) -> Distribution:
    """Probabilities to the power of 1 / temperature; at 0 the mode."""
    return Categorical(logits=p.logits / max(temperature, torch.finfo(p.logits.dtype).eps))
