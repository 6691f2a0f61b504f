"""Large arrays of .npz files, read some rows at a time."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from vae_exp.errors import UserError


class Header(NamedTuple):
    """What an array is."""

    shape: tuple[int, ...]
    dtype: np.dtype


def header(file: Path, key: str) -> Header:
    """Shape and type of an array of an .npz file, without reading it."""
    with _opened(file, key) as (found, _):
        return found


def blocks(file: Path, key: str, *, size: int) -> Iterator[np.ndarray]:
    """Read an array of an .npz file, `size` rows at a time; the whole may be larger than the memory."""
    with _opened(file, key) as ((shape, dtype), opened):
        row = math.prod(shape[1:]) * dtype.itemsize
        for start in range(0, shape[0], size):
            n = min(size, shape[0] - start)
            data = bytearray(opened.read(n * row))  # an array that can be written, as torch wants it
            yield np.frombuffer(data, dtype).reshape(n, *shape[1:])


@contextmanager
def _opened(file: Path, key: str) -> Iterator[tuple[Header, IO[bytes]]]:
    with zipfile.ZipFile(file) as archive:
        if f"{key}.npy" not in archive.namelist():
            raise UserError(f"data.path={file} has no array {key}; give the file as it was published")
        with archive.open(f"{key}.npy") as opened:
            version = np.lib.format.read_magic(opened)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, fortran_order, dtype = read(opened)
            if dtype.hasobject or fortran_order:  # objects could run code when loaded
                raise UserError(f"data.path={file}: the array {key} is not of plain numbers in rows")
            yield Header(shape, dtype), opened
