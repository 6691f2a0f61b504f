"""Small NORB: toys under different light."""

from __future__ import annotations

import gzip
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor

from vae_exp.data.cache import held
from vae_exp.data.factors import Factors
from vae_exp.data.published import BLOCK, fingerprint, present, readable, resized
from vae_exp.data.splits import Splits
from vae_exp.data.table import Table
from vae_exp.types import Count

WHAT = "the folder with the six .mat or .mat.gz files of https://cs.nyu.edu/~ylclab/data/norb-v1.0-small"
PREFIXES = {
    "train": "smallnorb-5x46789x9x18x6x2x96x96-training",
    "test": "smallnorb-5x01235x9x18x6x2x96x96-testing",
}
NAMES = ("category", "elevation", "azimuth", "lighting")
SIZES = (5, 9, 18, 6)
TYPES = {0x1E3D4C55: "<u1", 0x1E3D4C54: "<i4"}  # by the number that such a file begins with


class Files(NamedTuple):
    """The files of one split."""

    dat: Path
    cat: Path
    info: Path


def smallnorb(*, path: str, root: str, size: Count) -> Splits:
    """Read small NORB: 24,300 pictures [1, size, size] to train and 24,300 of other toys to test; y is the category.

    Of each pair of pictures it is the first. The factors are category, elevation, azimuth and lighting; five toys of a
    category have the same.

    Args:
        path: Folder of the six files -dat.mat, -cat.mat and -info.mat, packed (.gz) or not.
        root: Folder of decoded pictures.
        size: Height and width to which the 96 x 96 are scaled, pixels.

    Raises:
        UserError: A file is missing or damaged.

    Source: LeCun et al., 2004, "Learning methods for generic object recognition with invariance to pose and lighting"
    """
    folder, cache = present(path, name="smallnorb", what=WHAT), Path(root).expanduser()
    train, test = (_files(folder, PREFIXES[split]) for split in ("train", "test"))
    return {"train": _table(train, cache, size), "test": _table(test, cache, size)}


def _files(folder: Path, prefix: str) -> Files:
    def file(kind: Literal["dat", "cat", "info"]) -> Path:
        packed = folder / f"{prefix}-{kind}.mat.gz"
        return packed if packed.exists() else present(folder / f"{prefix}-{kind}.mat", name="smallnorb", what=WHAT)

    return Files(file("dat"), file("cat"), file("info"))


def _table(files: Files, root: Path, size: int) -> Table:
    category, info = (np.concatenate(list(_blocks(file))) for file in (files.cat, files.info))
    elevation, azimuth, lighting = info[:, 1:].T
    columns = (category, elevation, azimuth // 2, lighting)  # azimuths are 0, 2, ..., 34
    factors = Factors(torch.from_numpy(np.stack(columns, 1)).long(), NAMES, SIZES, "category")

    def pictures() -> Iterator[Tensor]:
        for block in _blocks(files.dat):
            yield resized(torch.from_numpy(block[:, :1]), size)

    x = held(
        pictures,
        name="smallnorb",
        fingerprint=fingerprint([files.dat], size),
        shape=(len(category), 1, size, size),
        root=root,
    )
    return Table(x, factors.y, factors)


def _blocks(file: Path) -> Iterator[np.ndarray]:
    """Read an array, some rows at a time.

    A file is a number for the type, the number of axes, their lengths (three at least), all int32, and then the rows.
    """
    with readable(file, name="smallnorb"), _opened(file) as opened:
        kind, ndim = np.frombuffer(opened.read(8), "<i4").tolist()
        lengths = np.frombuffer(opened.read(4 * max(3, ndim)), "<i4")[:ndim].tolist()
        dtype = np.dtype(TYPES[kind])
        row = math.prod(lengths[1:]) * dtype.itemsize
        for start in range(0, lengths[0], BLOCK):
            n = min(BLOCK, lengths[0] - start)
            yield np.frombuffer(bytearray(opened.read(n * row)), dtype).reshape(n, *lengths[1:])


@contextmanager
def _opened(file: Path) -> Iterator[IO[bytes]]:
    with cast(IO[bytes], gzip.open(file)) if file.suffix == ".gz" else file.open("rb") as opened:
        yield opened
