"""What launchers share whose runs are done by other machines: how a run gets there, and how one learns what it came to.

The way back is the run's folder and nothing else: a run that is killed leaves it, one that is requeued goes on in it,
and nobody has to be there to receive a result.
"""

from __future__ import annotations

import os
import sys
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus, run_job, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict


@dataclass(frozen=True)
class Runs:
    """Runs of a sweep, in a form that another process can be given.

    Args:
        context: Hydra's.
        task: What a run is.
        config: The configuration of the sweep.
        overrides: Those of each run.
        first: Number of the first run.
        state: Of Hydra's singletons.
        cwd: The folder in which the command was given; relative paths are meant from there.
    """

    context: HydraContext
    task: TaskFunction
    config: DictConfig
    overrides: list[list[str]]
    first: int
    state: dict[type, Singleton]
    cwd: str

    def some(self, numbers: Sequence[int]) -> Runs:
        """Those of the runs at these places."""
        chosen = [self.overrides[number] for number in numbers]
        return Runs(self.context, self.task, self.config, chosen, self.first, self.state, self.cwd)

    def composed(self, number: int) -> DictConfig:
        """The configuration of a run."""
        cfg = self.context.config_loader.load_sweep_config(self.config, self.overrides[number])
        with open_dict(cfg.hydra.job):
            cfg.hydra.job.id = cfg.hydra.job.num = self.first + number
        return cfg

    def do(self, number: int) -> bool:
        """Do a run, in a process that does nothing else; returns whether it went well."""
        os.chdir(self.cwd)
        Singleton.set_state(self.state)
        setup_globals()
        done = run_job(
            hydra_context=self.context,
            task_function=self.task,
            config=self.composed(number),
            job_dir_key="hydra.sweep.dir",
            job_subdir_key="hydra.sweep.subdir",
        )
        return done.status == JobStatus.COMPLETED


@dataclass(frozen=True)
class Place:
    """Where a run is: its folder, and the figure by which sweepers compare it."""

    folder: Path
    metric: str

    def told(self) -> JobReturn:
        """Say what came of the run, by what it left, to the terminal and to Hydra."""
        from vae_exp.cli.task import JobFailedError
        from vae_exp.sweeps.objective import saved_objective
        from vae_exp.sweeps.overview import FINISHED, run_state

        run = run_state(self.folder, [], self.metric)
        found = JobReturn()
        found.overrides = []
        found.hydra_cfg = OmegaConf.create({"hydra": {"runtime": {"output_dir": str(self.folder.absolute())}}})
        if run.state in FINISHED:
            found.status = JobStatus.COMPLETED
            found.return_value = saved_objective(self.folder, self.metric) if run.state == "done" else run.objective
            value = "" if found.return_value is None else f": {found.return_value:g}"
            print(f"vae-exp: {run.name} {run.state}{value}", file=sys.stderr)
        else:
            found.status = JobStatus.FAILED
            why = run.error or "ended by a signal or never begun"
            found.return_value = JobFailedError(f"{run.name} {run.state}: {why}")
            print(f"vae-exp: {found._return_value}", file=sys.stderr)
        return found


class Elsewhere(Launcher):
    """A launcher whose runs are done by other machines, or by processes that outlive the command."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.context, self.task, self.config = hydra_context, task_function, config

    @classmethod
    @abstractmethod
    def check(cls, cfg: DictConfig) -> None:
        """Find out what can be known of a run before its sweep begins.

        Args:
            cfg: The composed configuration, with its `hydra` node.

        Raises:
            UserError: The run cannot be done so.
        """

    def runs(self, job_overrides: Sequence[Sequence[str]], first: int) -> tuple[Runs, dict[int, Place], dict[int, Any]]:
        """All runs that are to be done.

        Returns:
            The runs, where each of them is, and the launcher's settings of those that are not finished yet.
        """
        from vae_exp.cli.standing import standing
        from vae_exp.config.names import run_folder

        overrides = [list(some) for some in job_overrides]
        runs = Runs(self.context, self.task, self.config, overrides, first, Singleton.get_state(), str(Path.cwd()))
        places, to_do = {}, {}
        for number in range(len(overrides)):
            cfg = runs.composed(number)
            places[number] = Place(run_folder(cfg), cfg.sweep.metric)
            if standing(cfg, places[number].folder) != "finished":
                to_do[number] = OmegaConf.to_container(cfg.hydra.launcher, resolve=True)
        return runs, places, to_do
