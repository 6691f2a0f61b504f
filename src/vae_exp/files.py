"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vae_exp.errors import UserError


class DiskFullError(UserError):
    """There is no space for a file."""


@contextmanager
def whole(path: str | Path, *, folder: bool = False) -> Iterator[Path]:
    """Make a file or a folder that others see as it was or complete, whatever happens in between.

    Args:
        path: What is to be there in the end; the folders above it are made.
        folder: Whether it is a folder.

    Returns:
        In its place, where to make it; it is there, empty, and removed if that fails.

    Raises:
        DiskFullError: The disk is full.
        OSError: It cannot be written for another reason.
    """
    path = Path(path)
    partial: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = _beside(path, folder=folder)
        yield partial
        if not folder:
            with partial.open("rb+") as file:
                os.fsync(file.fileno())
        partial.chmod((0o777 if folder else 0o666) & ~_umask())
        partial.replace(path)
    except BaseException as error:
        if partial is not None:
            _remove(partial)
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError(f"no space left on the disk of {path.parent}; free some and try again") from error
        raise


def write_whole(path: str | Path, data: bytes | memoryview | str) -> None:
    """Put `data` into a file, whole or not at all; raises what `whole` does."""
    with whole(path) as partial:
        partial.write_bytes(data.encode() if isinstance(data, str) else data)


def remove_partial(folder: Path, name: str = "*") -> None:
    """Remove what `whole` left in a folder, and in those of it, where a process was killed while it wrote.

    Args:
        folder: The folder.
        name: What was to be written; anything, where nobody else is writing there.
    """
    for left in list(folder.rglob(f".{name}.*.part")):
        _remove(left)


def _beside(path: Path, *, folder: bool) -> Path:
    # In the same folder, since a file can be renamed in one step only within its file system.
    prefix, suffix = f".{path.name}.", ".part"
    if folder:
        return Path(tempfile.mkdtemp(dir=path.parent, prefix=prefix, suffix=suffix))
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=prefix, suffix=suffix)
    os.close(handle)
    return Path(name)


def _remove(partial: Path) -> None:
    if partial.is_dir():
        shutil.rmtree(partial, ignore_errors=True)
    else:
        partial.unlink(missing_ok=True)


def read_json(path: str | Path) -> Any:
    """Read a json file.

    Raises:
        UserError: It is not there, or is not json.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist") from error
    except ValueError as error:
        raise UserError(f"{path} is not a json file: {error}") from error


def _umask() -> int:
    """Read the mask, which has no other way of being read than being set; mkstemp makes files private."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
