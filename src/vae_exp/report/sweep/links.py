"""Addresses of files, as seen from the page."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote


def link(to: Path, page: Path) -> str:
    """The address of a file relative to the page's folder, so that both can be moved together."""
    return quote(Path(os.path.relpath(to, page.parent)).as_posix())
