"""What a data set's function returns."""

from __future__ import annotations

from typing import Literal, TypeAlias

from vae_exp.data.pictures import Pictures
from vae_exp.data.table import Table

SplitName = Literal["train", "val", "test"]
Split: TypeAlias = Table | Pictures

# "train" must be there; the DataModule cuts "val" and "test" from it where they are missing.
Splits: TypeAlias = dict[SplitName, Split]
