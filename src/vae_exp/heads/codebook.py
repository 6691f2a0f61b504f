"""Vectors that follow what they are chosen for."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vae_exp.distributions.gathering import num_processes, process, summed
from vae_exp.types import Count, Fraction

FORGOTTEN = 1e-6
"""Share of the mean use below which a vector stays where it is: its sums are lost in rounding."""

TRIAL = 2.0
"""Count of a code that has been put elsewhere, in units of that below which it would be again: where it is of no use it
does not stay for long."""


class Codebook(nn.Module):
    """Moving averages of the vectors that chose each code, which is an online k-means.

    count_k <- decay * count_k + (1 - decay) * (vectors that chose k)
    total_k <- decay * total_k + (1 - decay) * (their sum)
    vector_k = total_k / count_k

    A code whose count is below `revive_below` times the mean count is put where the codebook is bad: at a vector of the
    batch, drawn with a probability in proportion to the square of its distance from its code. At the first step that is
    all codes that were not chosen, so that the codebook begins at the data. Statistics are those of all processes. A
    batch that is not finite changes nothing.

    Args:
        categories: Number of codes K.
        code_dim: Numbers of a vector.
        decay: Of the averages; 0 is a step of k-means on each batch.
        revive_below: Share of the mean count below which a code is put elsewhere, 0 for never.

    Source: van den Oord et al., 2017, "Neural discrete representation learning", app. A.1, arXiv:1711.00937; revival:
        Dhariwal et al., 2020, "Jukebox", sec. 3.2, arXiv:2005.00341; the draw: Arthur & Vassilvitskii, 2007,
        "k-means++"
    """

    vectors: Tensor
    count: Tensor
    total: Tensor

    def __init__(self, *, categories: Count, code_dim: Count, decay: Fraction, revive_below: Fraction) -> None:
        super().__init__()
        self.decay, self.revive_below = decay, revive_below
        self.register_buffer("vectors", torch.randn(categories, code_dim))
        self.register_buffer("count", torch.zeros(categories))
        self.register_buffer("total", torch.zeros(categories, code_dim))

    @torch.no_grad()
    def nearest(self, v: Tensor) -> Tensor:
        """The code whose vector is nearest, [..., code_dim] -> [...] int64."""
        vectors = self.vectors.to(v.dtype)
        center = vectors.mean(0)  # from which both are taken: `cdist` rounds as products of vectors do
        distances = torch.cdist(v.flatten(0, -2) - center, vectors - center)
        return distances.argmin(-1).reshape(v.shape[:-1])

    @torch.no_grad()
    def update(self, v: Tensor, codes: Tensor) -> None:
        """Take in the vectors of a batch [..., code_dim] and the codes that they chose [...]."""
        v, codes = v.detach().flatten(0, -2).to(self.vectors.dtype), codes.flatten()
        count = torch.zeros_like(self.count).index_add_(0, codes, torch.ones_like(v[:, 0]))
        total = torch.zeros_like(self.total).index_add_(0, codes, v)
        parts = summed(torch.cat((count[:, None], total, self._candidates(v, codes)), dim=1))
        count, total, candidates = parts.split((1, v.shape[1], v.shape[1]), dim=1)
        count, total = torch.lerp(count[:, 0], self.count, self.decay), torch.lerp(total, self.total, self.decay)
        mean = count.mean()
        moved = (count > FORGOTTEN * mean)[:, None]
        vectors = torch.where(moved, total / torch.where(moved, count[:, None], 1.0), self.vectors)
        dead = count < self.revive_below * mean
        vectors = torch.where(dead[:, None], candidates, vectors)
        start = TRIAL * self.revive_below * mean
        total, count = torch.where(dead[:, None], start * candidates, total), torch.where(dead, start, count)
        sound = torch.isfinite(parts).all()
        for old, new in ((self.vectors, vectors), (self.count, count), (self.total, total)):
            old.copy_(torch.where(sound, new, old))

    def _candidates(self, v: Tensor, codes: Tensor) -> Tensor:
        """A vector of the batch for each code [K, code_dim]; each process gives its share of them, and zeros."""
        far = (v - self.vectors[codes]).square().sum(-1)
        weights = torch.nan_to_num(far, nan=0.0, posinf=0.0) + torch.finfo(v.dtype).tiny
        rows = torch.multinomial(weights, len(self.vectors), replacement=len(v) < len(self.vectors))
        mine = torch.arange(len(rows), device=v.device) % num_processes() == process()
        return torch.where(mine[:, None], v[rows], 0.0)
