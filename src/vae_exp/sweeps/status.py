"""What became of a run: status.json in its folder."""

from __future__ import annotations

import json
import platform
import subprocess
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from vae_exp.files import read_json, write_whole

Note = Callable[[Mapping[str, Any]], None]
"""Adds to status.json what turns out when the run has begun."""

PACKAGES = ("vae_exp", "torch", "pytorch-lightning", "hydra-core", "numpy")


@contextmanager
def recorded(folder: Path) -> Iterator[Note]:
    """Keep status.json while the run goes on inside: running, then done, failed (with the error) or interrupted.

    Yields:
        (facts) -> None, which notes further facts there; a run that ends in another way than done notes its `state`.
    """

    def note(facts: Mapping[str, Any]) -> None:
        status.update(facts)
        _write(folder, status)

    before = read_json(folder / "status.json") if (folder / "status.json").is_file() else {}
    status: dict[str, Any] = {
        "state": "running",
        "attempts": before.get("attempts", 0) + 1,
        "wall_seconds": before.get("wall_seconds", 0.0),
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "host": platform.node(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in PACKAGES},
        "git_commit": _git_commit(),
    }
    start = time.monotonic()
    _write(folder, status)
    try:
        yield note
        if status["state"] == "running":
            status["state"] = "done"
    except Exception as error:
        status |= {"state": "failed", "error": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}
        raise
    except BaseException:  # a signal
        status["state"] = "interrupted"
        raise
    finally:
        status["wall_seconds"] = round(status["wall_seconds"] + time.monotonic() - start, 1)
        _write(folder, status)


def state_of(folder: Path) -> str | None:
    """The state in a run's status.json, as it was written last; None where there is none."""
    path = folder / "status.json"
    return str(read_json(path)["state"]) if path.is_file() else None


def _write(folder: Path, status: dict[str, Any]) -> None:
    write_whole(folder / "status.json", json.dumps(status, indent=2) + "\n")


def _git_commit() -> str | None:
    """The commit of the folder the command was given in, if that is a checkout."""
    try:
        asked = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return asked.stdout.strip()
