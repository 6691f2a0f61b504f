"""What a recommender without a training loop is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from scipy.sparse import csr_array


class Recommender(ABC):
    """Learns from rows of users over items at once, and scores the items for any such row."""

    @abstractmethod
    def fit(self, x: csr_array) -> None:
        """Learn from rows of 0 and 1, [users, items]."""

    @abstractmethod
    def scores(self, x: Tensor) -> Tensor:
        """What each item is worth for users with these rows, [B, items] -> [B, items]."""


def counts_together(x: csr_array, start: int, stop: int) -> Tensor:
    """How many users have both items, for items start <= i < stop beside all items; [stop - start, items]."""
    return torch.from_numpy((x[:, start:stop].T @ x).toarray())
