"""The script of an array of SLURM jobs."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vae_exp.types import Count, CountOrZero, Positive


@dataclass(frozen=True)
class Request:
    """What each job of an array asks for; a run is one job, whatever devices it has.

    Args:
        name: Of the jobs.
        timeout_min: Time limit, minutes. A run that needs more is put back into the queue, and goes on.
        warn_seconds: Time before the limit at which a run is told to save and to leave.
        mem_gb: Memory of each node, GB.
        nodes: Machines.
        tasks_per_node: Processes on each, one a device.
        cpus_per_task: Processor cores of each process.
        gpus_per_task: GPUs of each process.
        array_parallelism: Jobs of an array that run at a time.
        partition: None for the cluster's default.
        account: None for the user's default.
        options: Further options of sbatch, without their dashes: `{constraint: a100, exclusive: true}`.
        setup: Lines of shell before the run, `module load cuda`.
    """

    name: str
    timeout_min: Count
    warn_seconds: Count
    mem_gb: Positive | None
    nodes: Count
    tasks_per_node: Count
    cpus_per_task: Count
    gpus_per_task: CountOrZero
    array_parallelism: Count
    partition: str | None
    account: str | None
    options: Mapping[str, str | int | float | bool | None]
    setup: Sequence[str]


def script(request: Request, count: int, folder: Path, python: str) -> str:
    """Write it.

    Args:
        request: What each job asks for.
        count: Jobs.
        folder: Has runs.pickle, and gets a file of output a job.
        python: The interpreter that has vae_exp.
    """
    gpus = request.gpus_per_task * request.tasks_per_node
    options = {
        "job-name": request.name,
        "array": f"0-{count - 1}%{request.array_parallelism}",
        "output": f"{folder}/%a.log",
        "open-mode": "append",
        "requeue": True,
        "signal": f"USR2@{request.warn_seconds}",
        "time": request.timeout_min,
        "mem": None if request.mem_gb is None else f"{round(request.mem_gb * 1000)}M",
        "nodes": request.nodes,
        "ntasks-per-node": request.tasks_per_node,
        "cpus-per-task": request.cpus_per_task,
        # All of a node's to each of its tasks: Lightning chooses among them by the task's number.
        "gpus-per-node": gpus or None,
        "partition": request.partition,
        "account": request.account,
        **request.options,
    }
    flags = [f"#SBATCH --{key}" + ("" if value is True else f"={value}") for key, value in options.items() if value]
    words = shlex.join([python, "-m", "hydra_plugins.vae_exp_clusters._job", str(folder / "runs.pickle")])
    return "\n".join(
        [
            "#!/bin/bash",
            *flags,
            'export OMP_NUM_THREADS="${OMP_NUM_THREADS:-$SLURM_CPUS_PER_TASK}"',
            *request.setup,
            # In place of this shell, which would not hand on a signal; one process that is lost ends the others.
            f'exec srun --kill-on-bad-exit=1 --cpus-per-task="$SLURM_CPUS_PER_TASK" {words}',
            "",
        ]
    )
