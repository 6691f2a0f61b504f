"""A data set that is drawn when it is served."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from vae_exp.data.factors import Factors


@dataclass(frozen=True, eq=False)
class Drawn:
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
