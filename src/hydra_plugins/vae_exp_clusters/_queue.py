"""What is said to SLURM, and what it answers."""

from __future__ import annotations

import getpass
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import cloudpickle

from hydra_plugins.vae_exp_clusters._elsewhere import Runs
from hydra_plugins.vae_exp_clusters._script import Request, script
from vae_exp.errors import UserError
from vae_exp.files import write_whole


def arrays(to_do: Mapping[int, Mapping[str, Any]]) -> list[tuple[Request, list[int]]]:
    """Gather runs that ask for the same, as many at a time as SLURM takes in an array.

    Args:
        to_do: The launcher's settings of each run.
    """
    same: dict[str, list[int]] = {}
    for number, asked in to_do.items():
        same.setdefault(json.dumps(asked["job"]), []).append(number)
    most = largest_array() if to_do else 1
    return [
        (Request(**json.loads(request)), numbers[start : start + most])
        for request, numbers in same.items()
        for start in range(0, len(numbers), most)
    ]


def submit(runs: Runs, request: Request, folder: Path) -> str:
    """Hand an array of jobs to SLURM; returns its number.

    Args:
        runs: A job each.
        request: What each job asks for.
        folder: Where the jobs find what they need.

    Raises:
        UserError: SLURM refuses it.
    """
    data = cloudpickle.dumps(runs)
    own = (folder / hashlib.sha256(data).hexdigest()[:12]).absolute()
    write_whole(own / "runs.pickle", data)
    write_whole(own / "job.sh", script(request, len(runs.overrides), own, sys.executable))
    asked = subprocess.run(["sbatch", "--parsable", own / "job.sh"], capture_output=True, text=True, check=False)
    if asked.returncode:
        raise UserError(f"cluster=slurm: sbatch refuses: {' '.join(asked.stderr.split())}; see hydra.launcher.job")
    array = asked.stdout.strip().partition(";")[0]
    print(f"vae-exp: {len(runs.overrides)} runs are SLURM's job {array}; their output is in {own}", file=sys.stderr)
    return array


def in_queue() -> set[str] | None:
    """Jobs of this user that are waiting or running, as ARRAY_INDEX; None where SLURM does not answer just now."""
    words = ["squeue", "--noheader", "--array", "--format=%i", f"--user={getpass.getuser()}"]
    asked = subprocess.run(words, capture_output=True, text=True, check=False)
    return None if asked.returncode else set(asked.stdout.split())


def largest_array() -> int:
    """Jobs that SLURM takes in one array."""
    asked = subprocess.run(["scontrol", "show", "config"], capture_output=True, text=True, check=False)
    found = re.search(r"MaxArraySize\s*=\s*(\d+)", asked.stdout)
    return int(found[1]) if found else 1001


def cancel(arrays: Iterable[str]) -> None:
    """End the jobs of these arrays, and take those that have not begun out of the queue."""
    subprocess.run(["scancel", *arrays], check=False)
