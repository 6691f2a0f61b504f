"""Data sets that torchvision reads into memory; each is downloaded once, below `root`.

torchvision is imported where it is needed, since that takes seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from vae_exp.data.download import present_or_downloaded
from vae_exp.data.splits import Splits
from vae_exp.data.table import Table


def mnist(*, root: str) -> Splits:
    """Read MNIST: train [60000, 1, 28, 28] and test [10000, 1, 28, 28] uint8, 10 classes.

    Args:
        root: Folder that holds `MNIST/raw/train-images-idx3-ubyte` and the three other files.

    Raises:
        UserError: The files are missing and cannot be downloaded, or they are damaged.
    """
    from torchvision.datasets import MNIST

    return _mnist_like(MNIST, name="mnist", root=root)


def fashion_mnist(*, root: str) -> Splits:
    """Read Fashion-MNIST: train [60000, 1, 28, 28] and test [10000, 1, 28, 28] uint8, 10 classes.

    Args:
        root: Folder that holds `FashionMNIST/raw/`.

    Raises:
        UserError: The files are missing and cannot be downloaded, or they are damaged.
    """
    from torchvision.datasets import FashionMNIST

    return _mnist_like(FashionMNIST, name="fashion_mnist", root=root)


def kmnist(*, root: str) -> Splits:
    """Read Kuzushiji-MNIST: train [60000, 1, 28, 28] and test [10000, 1, 28, 28] uint8, 10 classes.

    Args:
        root: Folder that holds `KMNIST/raw/`.

    Raises:
        UserError: The files are missing and cannot be downloaded, or they are damaged.
    """
    from torchvision.datasets import KMNIST

    return _mnist_like(KMNIST, name="kmnist", root=root)


def emnist(*, root: str, split: Literal["balanced", "byclass", "bymerge", "letters", "digits", "mnist"]) -> Splits:
    """Read a split of EMNIST: train and test [N, 1, 28, 28] uint8; "balanced" has 112,800 + 18,800 of 47 classes.

    Args:
        root: Folder that holds `EMNIST/raw/`.
        split: Which of the data set's six selections.

    Raises:
        UserError: The files are missing and cannot be downloaded, or they are damaged.
    """
    from torchvision.datasets import EMNIST

    def read(root: str, *, train: bool, download: bool) -> Any:
        return EMNIST(root, split=split, train=train, download=download)

    # The files hold the pictures transposed; the letters alone are numbered from 1.
    first_class = int(split == "letters")
    upright = _mnist_like(read, name="emnist", root=root)
    return {
        name: Table(table.x.transpose(2, 3).contiguous(), table.y - first_class)
        for name, table in upright.items()
        if isinstance(table, Table) and table.y is not None
    }


def svhn(*, root: str) -> Splits:
    """Read SVHN: train [73257, 3, 32, 32] and test [26032, 3, 32, 32] uint8, 10 classes.

    Args:
        root: Folder that holds `train_32x32.mat` and `test_32x32.mat`.

    Raises:
        UserError: The files are missing and cannot be downloaded, or they are damaged.
    """
    from torchvision.datasets import SVHN

    def table(split: Literal["train", "test"]) -> Table:
        read = present_or_downloaded(
            lambda download: SVHN(_folder(root), split=split, download=download), name="svhn", root=root
        )
        return Table(torch.from_numpy(np.ascontiguousarray(read.data)), torch.from_numpy(read.labels).long())

    return {"train": table("train"), "test": table("test")}


def cifar10(*, root: str) -> Splits:
    """Read CIFAR-10: train [50000, 3, 32, 32] and test [10000, 3, 32, 32] uint8, 10 classes.

    Args:
        root: Folder that holds `cifar-10-batches-py/`.

    Raises:
        UserError: The files are missing and cannot be downloaded, or they are damaged.
    """
    from torchvision.datasets import CIFAR10

    def table(*, train: bool) -> Table:
        read = present_or_downloaded(
            lambda download: CIFAR10(_folder(root), train=train, download=download), name="cifar10", root=root
        )
        return Table(torch.from_numpy(read.data).permute(0, 3, 1, 2).contiguous(), torch.tensor(read.targets))

    return {"train": table(train=True), "test": table(train=False)}


def _mnist_like(make: Callable[..., Any], *, name: str, root: str) -> Splits:
    def table(*, train: bool) -> Table:
        read = present_or_downloaded(
            lambda download: make(_folder(root), train=train, download=download), name=name, root=root
        )
        return Table(read.data.unsqueeze(1), read.targets.long())

    return {"train": table(train=True), "test": table(train=False)}


def _folder(root: str) -> str:
    return str(Path(root).expanduser())
