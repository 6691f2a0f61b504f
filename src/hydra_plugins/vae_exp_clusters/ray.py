"""A sweep as tasks of Ray, on a cluster or on the cores of this machine.

Hydra imports this file at every start, hence what is heavy only where it is needed.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from typing import Annotated, Any

from annotated_types import Ge, Gt
from hydra.core.utils import JobReturn
from omegaconf import DictConfig, OmegaConf

from hydra_plugins.vae_exp_clusters._elsewhere import Elsewhere, Runs


class RayLauncher(Elsewhere):
    """Hands the unfinished runs of a sweep to Ray, and waits for them.

    Args:
        address: Of the cluster: `auto` for the one that this machine belongs to, `HOST:PORT`; None for a Ray of this
            command's own, on this machine.
        num_cpus: Processor cores of a run.
        num_gpus: GPUs of a run; a fraction where several share one.
        max_retries: Times that a run whose process or machine is lost is given to another; it goes on from its
            checkpoint.
    """

    def __init__(
        self,
        *,
        address: str | None,
        num_cpus: Annotated[float, Gt(0)],
        num_gpus: Annotated[float, Ge(0)],
        max_retries: Annotated[int, Ge(0)],
    ) -> None:
        self.address, self.num_cpus, self.num_gpus, self.max_retries = address, num_cpus, num_gpus, max_retries

    @classmethod
    def check(cls, cfg: DictConfig) -> None:
        from vae_exp.config.signature import check_values
        from vae_exp.errors import UserError

        if importlib.util.find_spec("ray") is None:
            raise UserError("cluster=ray needs a package more: pip install 'vae_exp[ray]'")
        asked: Any = OmegaConf.to_container(cfg.hydra.launcher, resolve=True)
        check_values(cls, {key: value for key, value in asked.items() if key != "_target_"}, "hydra.launcher")
        if cfg.trainer.devices not in (1, "1", "auto") or cfg.trainer.num_nodes != 1:
            raise UserError(
                f"trainer.devices={cfg.trainer.devices}: a run of cluster=ray has one process; use trainer.devices=1, "
                "or cluster=slurm, which starts one for each device"
            )

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        import ray

        runs, places, to_do = self.runs(job_overrides, initial_job_idx)
        told: dict[int, JobReturn] = {}
        if to_do:
            # The output of the runs would be that of all at once; each has its log.
            ray.init(address=self.address or "local", log_to_driver=False, include_dashboard=False)
            try:
                task = ray.remote(_do).options(
                    num_cpus=self.num_cpus, num_gpus=self.num_gpus, max_retries=self.max_retries
                )
                shared = ray.put(runs)
                queued = {task.remote(shared, number): number for number in to_do}
                print(f"vae-exp: {len(queued)} runs are given to Ray", file=sys.stderr)
                while queued:
                    [ended], _ = ray.wait(list(queued))
                    number = queued.pop(ended)
                    told[number] = places[number].told()
            finally:
                ray.shutdown()
        return [told[number] if number in told else places[number].told() for number in sorted(places)]


def _do(runs: Runs, number: int) -> bool:
    """Do a run, in one of Ray's processes."""
    return runs.do(number)
