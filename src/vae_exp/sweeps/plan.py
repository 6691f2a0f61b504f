"""Which runs a sweep consists of: files in its folder, one for each command that was given.

A command writes its file whole, and under a name that follows from its content; the plan is all of them together. So no
command reads what another one writes, and several can begin at the same time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from vae_exp.files import read_json, write_whole

FOLDER = ".sweep"


def write_plan(folder: Path, runs: Mapping[str, Sequence[str]]) -> None:
    """Add the runs of a command to the plan of a sweep.

    Args:
        folder: The sweep's folder; made where it is missing.
        runs: Overrides of each run, by the name of its folder.
    """
    text = json.dumps({"format": 1, "runs": {name: list(overrides) for name, overrides in runs.items()}}, indent=1)
    path = folder / FOLDER / f"{hashlib.sha256(text.encode()).hexdigest()[:12]}.json"
    if not path.is_file():
        write_whole(path, text + "\n")


def read_plan(folder: Path) -> dict[str, list[str]]:
    """All runs that were ever asked for in a sweep's folder: overrides by name; none where there is no plan."""
    files = sorted((folder / FOLDER).glob("*.json"), key=lambda path: (path.stat().st_mtime_ns, path.name))
    return {name: overrides for file in files for name, overrides in read_json(file)["runs"].items()}
