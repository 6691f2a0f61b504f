"""Reading a torchvision data set, and downloading it where it is missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from vae_exp.data.permission import may_write
from vae_exp.errors import UserError, reason_of


def present_or_downloaded(
    read: Callable[[bool], Any], *, name: str, root: str, layout: str = "its files as torchvision lays them out"
) -> Any:
    """Read what is there; where something is missing, download it and read again.

    Args:
        read: Makes the data set; its argument says whether to download.
        name: Name of the data set, for the error.
        root: The folder, for the error.
        layout: What it should hold, for the error.

    Raises:
        UserError: The files are missing and cannot be downloaded, or they are damaged.
    """
    where = Path(root).expanduser().absolute()
    try:
        return read(False)
    except Exception as error:  # damaged files make their readers raise nearly anything
        if not _says_missing(error):
            raise UserError(
                f"data={name}: the files below data.root={where} are damaged ({reason_of(error)}); "
                "delete them, so that they are downloaded again"
            ) from error
    try:
        if not may_write(where):
            raise PermissionError("it is read-only")
        return read(True)
    except Exception as error:  # no network, no permission, no space, a wrong checksum, no gdown, ...
        raise UserError(
            f"data={name} is not below data.root={where} and cannot be downloaded ({reason_of(error)}); "
            f"set data.root to a folder that has {layout}, or provide network access"
        ) from error


def _says_missing(error: Exception) -> bool:
    # torchvision's sentence is "Dataset not found" or "Dataset not found or corrupted", the latter for a wrong checksum
    return isinstance(error, FileNotFoundError) or "not found" in str(error)
