"""`vae-exp init-conf DIR`: a copy of the configuration to edit."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

from vae_exp.cli.failure import writing
from vae_exp.config import paths
from vae_exp.errors import UserError
from vae_exp.files import whole

USAGE = "vae-exp init-conf DIR"


def main(argv: list[str]) -> int:
    """Copy the shipped configuration to a new folder and say how to use it."""
    if len(argv) != 1 or argv[0].startswith("-"):
        raise UserError(f"give one folder: {USAGE}")
    folder = Path(argv[0])
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder} is there already; name a new or an empty folder")
    with writing(str(folder)), whole(folder, folder=True) as partial:
        left_out = shutil.ignore_patterns("__pycache__", "*.pyc")
        shutil.copytree(paths.conf_dir(), partial, ignore=left_out, dirs_exist_ok=True)
    quoted = shlex.quote(str(folder))
    print(f"The configuration is in {folder}. Edit it, add files to it, delete what you leave as it is, then run")
    print(f"    vae-exp train --config-dir {quoted}")
    print("A file in your folder wins over the shipped file of the same name; all others are the shipped ones.")
    return 0
