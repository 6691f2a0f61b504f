"""A data set that is drawn when it is served."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from vae_exp.data.factors import Factors
from vae_exp.data.splits import Split
from vae_exp.errors import UserError


@dataclass(eq=False)
class Drawn(Split):
    """Pictures that are drawn from their factors on the device where they are used, and never held.

    Args:
        factors: Their factors, with `draw`.
        y: Classes, [N] int64, or None where the data set has no labels.
        shape: What is drawn, (channels, height, width).
    """

    factors: Factors
    y: Tensor | None
    shape: tuple[int, int, int]

    def __len__(self) -> int:
        return len(self.factors.values)

    def inputs(self, indices: Tensor) -> dict[str, Tensor]:
        return {}

    def binarized(self, seed: int) -> Drawn:
        raise UserError(
            "data.binarize=static needs the data in memory, and these are drawn on the fly; "
            "use data.on_the_fly=false or data.binarize=threshold"
        )
