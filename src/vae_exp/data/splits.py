"""What a data set's function returns, and how examples are taken from it."""

from __future__ import annotations

from typing import Literal, TypeAlias, cast

from torch import Tensor

from vae_exp.data.drawn import Drawn
from vae_exp.data.factors import Factors
from vae_exp.data.pictures import Pictures, stack
from vae_exp.data.sparse_rows import SparseRows
from vae_exp.data.table import Table
from vae_exp.types import Batch

SplitName = Literal["train", "val", "test"]
Split: TypeAlias = Table | Pictures | Drawn | SparseRows

# "train" must be there; the DataModule cuts "val" and "test" from it where they are missing.
Splits: TypeAlias = dict[SplitName, Split]


def rows(split: Split, indices: Tensor) -> Batch:
    """Examples of a split, as the loaders serve them; pictures that are to be drawn have no x yet."""
    batch: dict[str, Tensor] = {}
    if isinstance(split, Table):
        batch["x"] = split.x.index_select(0, indices)
    elif isinstance(split, Pictures):
        batch["x"] = stack(split, indices.tolist())
    elif isinstance(split, SparseRows):
        batch |= split.filled(indices)
    if split.y is not None:
        batch["y"] = split.y.index_select(0, indices)
    if (factors := factors_of(split)) is not None:
        batch["factors"] = factors.values.index_select(0, indices)
    return cast(Batch, batch)


def factors_of(split: Split) -> Factors | None:
    """The factors of a split's examples, where they are known."""
    return split.factors if isinstance(split, Table | Drawn) else None
