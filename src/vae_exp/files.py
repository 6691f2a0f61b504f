"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from vae_exp.errors import UserError


def write_whole(path: str | Path, data: bytes | memoryview | str) -> None:
    """Put `data` into a file, so that a reader sees the old content or the new, whatever happens in between.

    Raises:
        UserError: The disk is full.
        OSError: The file cannot be written for another reason.
    """
    path = Path(path)
    content = data.encode() if isinstance(data, str) else data
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # In the same folder, since a file can be renamed in one step only within its file system.
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except BaseException as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UserError(f"no space left on the disk of {path.parent}; free some and try again") from error
        raise


def remove_partial(folder: Path) -> None:
    """Remove what `write_whole` left in a folder, and in those of it, where a process was killed while it wrote."""
    for file in folder.rglob(".*.part"):
        file.unlink(missing_ok=True)


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
