"""A run that never took a step leaves no folder."""

from __future__ import annotations

import shutil
from pathlib import Path

from vae_exp.sweeps.lock import NAME


def is_new(folder: Path) -> bool:
    """Whether a run's folder holds no more than what Hydra wrote into it a moment ago."""
    return {path.name for path in folder.iterdir()} <= {".hydra", "train.log", NAME}


def remove(folder: Path) -> None:
    """Remove a run's folder, and the folders that were made for it (outputs, DATE) where they are empty now."""
    here = Path.cwd()
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    for path in (folder, *folder.parents):
        if path == here or (path != folder and here not in path.parents):
            return
        try:
            path.rmdir()
        except OSError:  # others' files are in it
            return
