"""A sweeper on current Optuna, whose study is a file that the next command goes on with.

Hydra imports this file at every start, hence what is heavy only where it is needed.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

log = logging.getLogger(__name__)


class OptunaSweeper(Sweeper):
    """Lets Optuna choose the values of each run by what the runs before came to.

    Args:
        params: Keys and what they can be, in Hydra's words for sweeps; those of the command line win.
        n_trials: Trials of the study, those of earlier commands included.
        n_jobs: Trials that are handed to the launcher at a time.
        direction: minimize or maximize.
        seed: Seed of the choices.
        pruning: When trials may be ended early.
    """

    def __init__(
        self,
        *,
        params: Mapping[str, Any],
        n_trials: int,
        n_jobs: int,
        direction: str,
        seed: int,
        pruning: Mapping[str, Any],
    ) -> None:
        self.params, self.n_trials, self.n_jobs = params, n_trials, n_jobs
        self.direction, self.seed, self.pruning = direction, seed, pruning
        self.context: HydraContext
        self.launcher: Launcher
        self.sweep_config: DictConfig

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        from hydra.core.plugins import Plugins

        self.context, self.sweep_config = hydra_context, config
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> None:
        from vae_exp.sweeps.study import Study

        folder = Path(self.sweep_config.hydra.sweep.dir)
        space, fixed = self._space(arguments)
        folder.mkdir(parents=True, exist_ok=True)
        OmegaConf.save(self.sweep_config, folder / "multirun.yaml")
        study = Study(folder=folder, direction=self.direction, pruning=self.pruning, seed=self.seed)
        begun = study.unfinished()  # by a command that was stopped; their runs go on from their checkpoints
        while True:
            batch, begun = begun[: self.n_jobs], begun[self.n_jobs :]
            while len(batch) < self.n_jobs and len(study) < self.n_trials:
                batch.append(study.ask(space))
            if not batch:
                break
            jobs = [[*fixed, *_overrides(values), f"sweep.trial={number}"] for number, values in batch]
            returns: Sequence[JobReturn] = self.launcher.launch(jobs, initial_job_idx=batch[0][0])
            for (number, _), job in zip(batch, returns, strict=True):
                _tell(study, number, job)
        best = study.best()
        if best is not None:
            log.info(
                "best of %d trials: %g with %s", len(study), best[0], " ".join(f"{k}={v}" for k, v in best[1].items())
            )

    def _space(self, arguments: list[str]) -> tuple[dict[str, Any], list[str]]:
        """What each swept key can be, and the overrides that every run has."""
        from vae_exp.errors import UserError
        from vae_exp.sweeps.study import distribution_of

        parser = OverridesParser.create(config_loader=self.context.config_loader)
        given = parser.parse_overrides([*(f"{key}={value}" for key, value in self.params.items()), *arguments])
        last = {override.get_key_element(): override for override in given}
        space = {key: distribution_of(override) for key, override in last.items() if override.is_sweep_override()}
        if not space:
            raise UserError(
                "hydra/sweeper=optuna has nothing to choose; give 'loss.beta=tag(log,interval(0.1,10))', say"
            )
        return space, [str(override.input_line) for override in last.values() if not override.is_sweep_override()]


def _overrides(values: Mapping[str, Any]) -> list[str]:
    return [f"{key}={Override._get_value_element_as_str(value)}" for key, value in values.items()]


def _tell(study: Any, number: int, job: JobReturn) -> None:
    from vae_exp.sweeps.lock import holder
    from vae_exp.sweeps.status import state_of

    folder = Path(job.hydra_cfg.hydra.runtime.output_dir) if job.hydra_cfg else None
    if job.status == JobStatus.COMPLETED and folder is not None and state_of(folder) == "pruned":
        study.tell_pruned(number)
    elif job.status == JobStatus.COMPLETED:
        study.tell(number, float(job.return_value))
    elif folder is None or not holder(folder):  # where another process is at work, that one will tell
        study.tell_failed(number)
