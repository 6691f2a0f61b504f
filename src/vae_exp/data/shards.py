"""Pictures in tar files, more than the memory holds."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import fsspec
import numpy as np
import torch
from torch import Tensor

from vae_exp.data.decode import Channels, Fit
from vae_exp.data.image_folder import SUFFIXES
from vae_exp.data.members import Members
from vae_exp.data.permission import may_write
from vae_exp.data.pictures import Pictures
from vae_exp.data.splits import SplitName, Splits
from vae_exp.errors import UserError
from vae_exp.files import whole
from vae_exp.types import Count

Row = tuple[int, int, int, int]
"""Number of the shard, offset, size, class."""


def shards(
    *, path: str, val_path: str | None, test_path: str | None, size: Count, channels: Channels, root: str
) -> Splits:
    """Find the pictures in tar files, as webdataset writes them: KEY.png (or .jpg, ...) and KEY.cls, its class as text.

    The tar files are not compressed, so that each picture is read by itself, wherever it lies: any order, any share of
    a process and any batch to go on from cost the same. Where the pictures are is found once, and kept below `root`.

    Args:
        path: The tar files: one, or many as `train-*.tar` or `train-{0000..0099}.tar`; a path, or an address that
            fsspec knows (`s3://...`, `https://...`; `simplecache::s3://...` keeps shards on the disk of the machine).
        val_path: Those of the validation set, None to cut it from the training set.
        test_path: The same of the test set.
        size: Height and width, pixels: the short side is scaled to it (antialiased) and the centre is cut out.
        channels: 1 for grey, 3 for colour.
        root: Folder of what is kept.

    Raises:
        UserError: There are no such files, they cannot be read, or hold no pictures.
    """
    paths: dict[SplitName, str | None] = {"train": path, "val": val_path, "test": test_path}
    keys: dict[SplitName, str] = {"train": "data.path", "val": "data.val_path", "test": "data.test_path"}
    return {
        name: _pictures(given, keys[name], Fit(size=size, channels=channels), Path(root).expanduser())
        for name, given in paths.items()
        if given is not None
    }


def _pictures(path: str, key: str, decode: Fit, root: Path) -> Pictures:
    try:
        files = expanded(path)
        versions = [_version(file) for file in files]
    except Exception as error:  # of whatever storage it is
        raise UserError(f"{key}={path} cannot be read ({error}); give tar files of pictures") from error
    if not files:
        raise UserError(f"{key}={path}: there are no such files; give tar files of pictures")
    index = root / "cache" / f"shards-{hashlib.sha256(json.dumps([files, versions]).encode()).hexdigest()[:32]}.npy"
    table = np.load(index) if index.is_file() else _indexed(files, key)
    if not index.is_file() and may_write(index.parent):
        with whole(index) as partial, partial.open("wb") as opened:
            np.save(opened, table)
    if not len(table):
        raise UserError(f"{key}={path} holds no picture files ({', '.join(sorted(SUFFIXES))})")
    members = Members(files, versions, table[:, 0].astype(np.int32), table[:, 1].copy(), table[:, 2].copy())
    y: Tensor | None = torch.from_numpy(table[:, 3].copy())
    labels = y if y is not None and bool((y >= 0).any()) else None
    return Pictures("shards", members, labels, decode, (decode.channels, decode.size, decode.size))


def expanded(path: str) -> list[str]:
    """The files that a pattern means, `*` and `{0000..0099}` in it, in alphabetical order."""
    head, brace, rest = path.partition("{")
    bounds, closing, tail = rest.partition("}")
    first, dots, last = bounds.partition("..")
    if brace and closing and dots and first.isdigit() and last.isdigit():
        numbers = range(int(first), int(last) + 1)
        return [file for number in numbers for file in expanded(f"{head}{number:0{len(first)}}{tail}")]
    if "*" not in path:
        return [path]
    files, pattern = fsspec.core.url_to_fs(path)
    chain, protocol, _ = path.rpartition("://")
    return sorted(f"{chain}://{found}" if protocol else str(found) for found in files.glob(pattern))


def _version(file: str) -> str:
    files, path = fsspec.core.url_to_fs(file)
    return str(files.ukey(path))


def _indexed(files: list[str], key: str) -> np.ndarray:
    """Where the pictures are, and their classes: a `Row` each, [N, 4] int64."""
    rows: list[Row] = []
    for number, file in enumerate(files):
        try:
            rows += _rows(number, file)
        except Exception as error:  # a damaged file can make a reader raise nearly anything
            raise UserError(f"{key}: {file} cannot be read as an uncompressed tar file ({error})") from error
    return np.array(rows, dtype=np.int64).reshape(-1, 4)


def _rows(number: int, file: str) -> Iterator[Row]:
    pictures: dict[str, tuple[int, int]] = {}
    classes: dict[str, int] = {}
    with fsspec.open(file, "rb") as opened, tarfile.open(fileobj=opened, mode="r:") as archive:
        for member in archive:
            where = PurePosixPath(member.name)
            name, _, extension = where.name.partition(".")
            key = str(where.with_name(name)) if name else ""
            if not member.isfile() or not key:
                continue
            if f".{extension.lower()}" in SUFFIXES:
                pictures[key] = (member.offset_data, member.size)
            elif extension == "cls":
                content = archive.extractfile(member)
                assert content is not None
                classes[key] = int(content.read())
        # The reader takes whatever is no header for the end.
        opened.seek(archive.offset)
        if opened.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise tarfile.ReadError(f"it breaks off at byte {archive.offset}")
    return ((number, offset, size, classes.get(key, -1)) for key, (offset, size) in pictures.items())
