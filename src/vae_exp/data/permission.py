"""Whether a folder is meant to be written to."""

from __future__ import annotations

import os
from pathlib import Path


def may_write(folder: Path) -> bool:
    """Tell whether a folder, or the nearest one above it that exists, can be written to.

    A folder whose mode has no write bit is read-only for the superuser too: the system would not stop them, but
    whoever took the bits away meant it.
    """
    nearest = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    return nearest.is_dir() and bool(nearest.stat().st_mode & 0o222) and os.access(nearest, os.W_OK)
