"""A sweep as arrays of SLURM jobs.

Hydra imports this file at every start, hence what is heavy only where it is needed.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn
from omegaconf import DictConfig, OmegaConf

from hydra_plugins.vae_exp_clusters._elsewhere import Elsewhere, Runs
from hydra_plugins.vae_exp_clusters._script import Request, script

FOLDER = ".slurm"
"""In the sweep's folder: what the jobs are given, and what they print."""


class SlurmLauncher(Elsewhere):
    """Submits the unfinished runs of a sweep as arrays of jobs, and waits for them.

    Runs that ask for the same become one array, or several where SLURM does not take as many at once.

    Args:
        wait: Whether to wait, and to cancel the jobs when the command is stopped; otherwise it ends after submitting.
        poll_seconds: Time between two looks at the queue.
        job: What each job asks for, a `Request`.
    """

    def __init__(self, *, wait: bool, poll_seconds: float, job: Mapping[str, Any]) -> None:
        self.wait, self.poll_seconds, self.job = wait, poll_seconds, job

    @classmethod
    def check(cls, cfg: DictConfig) -> None:
        from vae_exp.config.signature import check_values
        from vae_exp.errors import UserError

        if shutil.which("sbatch") is None:
            raise UserError(
                "cluster=slurm: there is no sbatch on this machine; give the command on one of a SLURM cluster, or "
                "use cluster=local"
            )
        asked: Any = OmegaConf.to_container(cfg.hydra.launcher, resolve=True)
        devices = asked["job"]["tasks_per_node"]
        if isinstance(devices, bool) or not isinstance(devices, int) or devices < 1:
            raise UserError(
                f"trainer.devices={cfg.trainer.devices}: should be a number, of which cluster=slurm asks for as many tasks"
            )
        check_values(cls, {key: asked[key] for key in ("wait", "poll_seconds")}, "hydra.launcher")
        check_values(Request, asked["job"], "hydra.launcher.job")
        if not asked["wait"] and not cfg.hydra.sweeper._target_.endswith(".BasicSweeper"):
            raise UserError("hydra.launcher.wait=false: this sweeper learns from the runs, and has to wait for them")

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        runs, places, to_do = self.runs(job_overrides, initial_job_idx)
        folder = Path(self.config.hydra.sweep.dir, FOLDER)
        queued: dict[str, int] = {}
        told: dict[int, JobReturn] = {}
        try:
            for request, numbers in arrays(to_do):
                array = submit(runs.some(numbers), request, folder)
                queued |= {f"{array}_{index}": number for index, number in enumerate(numbers)}
            if not self.wait:
                return []
            while queued:
                time.sleep(self.poll_seconds)
                there = in_queue()
                for element in [element for element in queued if there is not None and element not in there]:
                    number = queued.pop(element)
                    told[number] = places[number].told()
        except BaseException:  # what is queued would begin, though the sweep was stopped
            if queued:
                subprocess.run(["scancel", *{element.partition("_")[0] for element in queued}], check=False)
            raise
        return [told[number] if number in told else places[number].told() for number in sorted(places)]


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
    import cloudpickle

    from vae_exp.errors import UserError
    from vae_exp.files import write_whole

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
    """This user's jobs that are waiting or running, as ARRAY_INDEX; None where SLURM does not answer just now."""
    words = ["squeue", "--noheader", "--array", "--format=%i", f"--user={getpass.getuser()}"]
    asked = subprocess.run(words, capture_output=True, text=True, check=False)
    return None if asked.returncode else set(asked.stdout.split())


def largest_array() -> int:
    """Jobs that SLURM takes in one array."""
    asked = subprocess.run(["scontrol", "show", "config"], capture_output=True, text=True, check=False)
    found = re.search(r"MaxArraySize\s*=\s*(\d+)", asked.stdout)
    return int(found[1]) if found else 1001
