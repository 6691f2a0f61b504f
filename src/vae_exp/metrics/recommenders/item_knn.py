"""Items like those that a user has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from vae_exp.metrics.recommenders.base import Recommender, counts_together
from vae_exp.types import Count, NonNegative

if TYPE_CHECKING:
    from scipy.sparse import csr_array

BLOCK = 1024  # items whose neighbours are found at once


class ItemKNN(Recommender):
    """score_j = sum of s_ij over the user's items i that are among the nearest neighbours of j.

    s_ij = n_ij / (sqrt(n_i n_j) + shrink), with n_i users who have i and n_ij who have both: the cosine of two columns,
    lowered where it rests on few users.

    Args:
        neighbours: How many other items count for an item.
        shrink: In users.

    Source: Deshpande & Karypis, 2004, "Item-based top-N recommendation algorithms"; shrink: Bell & Koren, 2007,
        "Improved neighborhood-based collaborative filtering"
    """

    def __init__(self, *, neighbours: Count, shrink: NonNegative) -> None:
        self.neighbours, self.shrink = neighbours, shrink

    def fit(self, x: csr_array) -> None:
        from scipy.sparse import csr_array

        size = x.shape[1]
        counts = torch.from_numpy(x.sum(axis=0))
        near, likeness = [], []
        for start in range(0, size, BLOCK):
            stop = min(start + BLOCK, size)
            alike = counts_together(x, start, stop)
            # Without shrinking, an item that nobody has is like no other.
            alike /= ((counts[start:stop, None] * counts).sqrt() + self.shrink).clamp_min(1e-12)
            alike[torch.arange(stop - start), torch.arange(start, stop)] = 0
            best = alike.topk(min(self.neighbours, size), dim=1)
            near.append(best.indices)
            likeness.append(best.values)
        columns, values = torch.cat(near), torch.cat(likeness)
        ends = np.arange(size + 1) * columns.shape[1]
        self.weights = csr_array((values.flatten().numpy(), columns.flatten().numpy(), ends), shape=(size, size))

    def scores(self, x: Tensor) -> Tensor:
        return torch.from_numpy(self.weights.dot(x.cpu().numpy().T).T).to(x)
