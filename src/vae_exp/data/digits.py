"""The small digits that come with scikit-learn: no download."""

from __future__ import annotations

import torch

from vae_exp.data.packaged import packaged_csv
from vae_exp.data.splits import Splits
from vae_exp.data.table import Table


def digits() -> Splits:
    """Read the 1,797 digits of scikit-learn, 10 classes.

    x is [1797, 1, 8, 8] uint8; the 17 levels k = 0..16 are scaled to round(255 k / 16).

    Raises:
        UserError: The package is not installed, or lacks the file.
    """
    rows = packaged_csv("digits", package="sklearn", file="datasets/data/digits.csv.gz")
    x = (rows[:, :-1] * (255 / 16)).round().to(torch.uint8).reshape(-1, 1, 8, 8)
    return {"train": Table(x, rows[:, -1].long())}
