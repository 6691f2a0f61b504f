"""A sweep as arrays of SLURM jobs.

Hydra imports this file at every start, hence what is heavy only where it is needed.
"""

from __future__ import annotations

import importlib.util
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Gt
from hydra.core.utils import JobReturn
from omegaconf import DictConfig, OmegaConf

from hydra_plugins.vae_exp_clusters._elsewhere import Elsewhere

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

    def __init__(self, *, wait: bool, poll_seconds: Annotated[float, Gt(0)], job: Mapping[str, Any]) -> None:
        self.wait, self.poll_seconds, self.job = wait, poll_seconds, job

    @classmethod
    def check(cls, cfg: DictConfig) -> None:
        from hydra_plugins.vae_exp_clusters._script import Request
        from vae_exp.config.signature import check_values
        from vae_exp.errors import UserError

        if shutil.which("sbatch") is None:
            raise UserError(
                "cluster=slurm: there is no sbatch on this machine; give the command on one of a SLURM cluster, or "
                "use cluster=local"
            )
        if importlib.util.find_spec("cloudpickle") is None:
            raise UserError("cluster=slurm needs a package more: pip install 'vae_exp[slurm]'")
        asked: Any = OmegaConf.to_container(cfg.hydra.launcher, resolve=True)
        devices = asked["job"]["tasks_per_node"]
        if isinstance(devices, bool) or not isinstance(devices, int) or devices < 1:
            raise UserError(
                f"trainer.devices={cfg.trainer.devices}: should be a number; cluster=slurm asks for a process for each"
            )
        check_values(cls, {key: asked[key] for key in ("wait", "poll_seconds")}, "hydra.launcher")
        check_values(Request, asked["job"], "hydra.launcher.job")
        if not asked["wait"] and not cfg.hydra.sweeper._target_.endswith(".BasicSweeper"):
            raise UserError("hydra.launcher.wait=false: this sweeper learns from the runs, and has to wait for them")

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        from hydra_plugins.vae_exp_clusters._queue import arrays, cancel, in_queue, submit

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
                cancel({element.partition("_")[0] for element in queued})
            raise
        return [told[number] if number in told else places[number].told() for number in sorted(places)]
