"""What a data set's function returns: some examples a split, wherever they are held."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal, TypeAlias, cast

from torch import Tensor

from vae_exp.data.factors import Factors
from vae_exp.types import Batch, Values

SplitName = Literal["train", "val", "test"]


class Split(ABC):
    """Some examples. A kind of data is a class of its own: held in memory, decoded or drawn when served."""

    y: Tensor | None
    """Classes, [N] int64, -1 = unlabelled, or None where there are no labels."""

    factors: Factors | None
    """What the examples were made of, where that is known."""

    shape: tuple[int, ...]
    """Shape of one x."""

    values: Values = "levels"
    """What a number of x can be, before it is binarised."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def inputs(self, indices: Tensor) -> dict[str, Tensor]:
        """The x of some examples, [B, *shape], uint8 or float32; with a target where another is to be scored.

        Nothing where x is drawn from the factors, on the device where it is used.
        """

    @abstractmethod
    def binarized(self, seed: int) -> Split:
        """The same examples with one draw of every x for good.

        Raises:
            UserError: They are not in memory.
        """

    def check(self, where: str) -> None:
        """Refuse examples that are not as they should be.

        Args:
            where: What the user calls them, the beginning of the sentence of an error.

        Raises:
            UserError: They are not.
        """
        del where

    def rows(self, indices: Tensor) -> Batch:
        """Some examples, as the loaders serve them."""
        batch = self.inputs(indices)
        if self.y is not None:
            batch["y"] = self.y.index_select(0, indices)
        if self.factors is not None:
            batch["factors"] = self.factors.values.index_select(0, indices)
        return cast(Batch, batch)


# "train" must be there; the DataModule cuts "val" and "test" from it where they are missing.
Splits: TypeAlias = dict[SplitName, Split]
