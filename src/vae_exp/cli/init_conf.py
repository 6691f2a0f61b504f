"""`vae-exp init-conf DIR`: a copy of the configuration to edit."""

from __future__ import annotations

import shlex
import shutil
import tempfile
from pathlib import Path

from vae_exp.config import paths
from vae_exp.errors import UserError

USAGE = "vae-exp init-conf DIR"


def main(argv: list[str]) -> int:
    """Copy the shipped configuration to a new folder and say how to use it."""
    if len(argv) != 1 or argv[0].startswith("-"):
        raise UserError(f"give one folder: {USAGE}")
    folder = Path(argv[0])
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder} is there already; name a new or an empty folder")
    _copy(paths.conf_dir(), folder)
    quoted = shlex.quote(str(folder))
    print(f"The configuration is in {folder}. Edit it, add files to it, delete what you leave as it is, then run")
    print(f"    vae-exp train --config-dir {quoted}")
    print("A file in your folder wins over the shipped file of the same name; all others are the shipped ones.")
    return 0


def _copy(source: Path, folder: Path) -> None:
    """Copy in one step: the copy is made beside the folder, then renamed to it."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as temporary:
            copy = Path(temporary) / "conf"
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
            copy.replace(folder)
    except OSError as error:
        raise UserError(f"{folder} cannot be written: {error.strerror or error}") from error
