"""A data set of long rows of which nearly all entries are 0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vae_exp.data.splits import Split

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(eq=False)
class SparseRows(Split):
    """Rows of 0 and 1, such as which items each user has; only the ones are held, and a batch is filled when served.

    Args:
        x: [N, items] float32, compressed by rows.
        target: What is to be found from x, and scored in its place: [N, items], or None for x itself.
        row_names: Name of each row, N of them: the users.
        item_names: Name of each entry of a row.
    """

    x: csr_array
    target: csr_array | None
    row_names: Sequence[str]
    item_names: tuple[str, ...]

    y = factors = None  # rows have no classes

    def __post_init__(self) -> None:
        self.shape = (len(self.item_names),)
        self.values = "binary"

    def __len__(self) -> int:
        return len(self.row_names)

    def item_counts(self, indices: Tensor) -> tuple[int, ...]:
        """Count the rows among those at `indices` that have each item."""
        return tuple(self.x[indices.numpy()].sum(axis=0).astype(int).tolist())

    def inputs(self, indices: Tensor) -> dict[str, Tensor]:
        found = {"x": self.x} if self.target is None else {"x": self.x, "target": self.target}
        return {key: torch.from_numpy(matrix[indices.numpy()].toarray()) for key, matrix in found.items()}

    def binarized(self, seed: int) -> SparseRows:
        return self
