"""A SLURM of this machine's own, and commands in it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from .commands import MODULE, environment

SANDBOX = Path(__file__).parents[2] / "scripts" / "slurm_sandbox"
ONE_CORE = ("hydra.launcher.job.cpus_per_task=1", "hydra.launcher.job.mem_gb=null", "hydra.launcher.poll_seconds=0.5")


SLOW = """
import os, time
from pytorch_lightning import Callback
class Slow(Callback):
    def on_train_batch_end(self, *_):
        time.sleep(float(os.environ["SECONDS_A_STEP"]))
"""


class Slurm:
    """Gives commands in the sandbox.

    Args:
        variables: By which SLURM's commands find it.
    """

    def __init__(self, variables: dict[str, str]) -> None:
        self.variables = variables
        self._queued: dict[str, float] = {}  # requeued jobs, and when they were first seen so

    @contextmanager
    def sweep(self, *words: str, cwd: Path, step: float = 0) -> Iterator[subprocess.Popen[str]]:
        """Begin a sweep of `vae-exp train`, whose steps take so many seconds at least, in the folder `sweep`."""
        (cwd / "slow_steps.py").write_text(SLOW)
        slow = ("trusted_packages=[slow_steps]", "+callbacks.slow._target_=slow_steps.Slow")
        path = f"{cwd}:{os.environ.get('PYTHONPATH', '')}"
        process = subprocess.Popen(
            [*MODULE, "train", "-m", *words, "cluster=slurm", "hydra.sweep.dir=sweep", *ONE_CORE, *slow],
            cwd=cwd,
            env=environment(cwd) | self.variables | {"SECONDS_A_STEP": str(step), "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        with process:
            try:
                yield process
            finally:
                process.terminate()  # which cancels its jobs

    def say(self, *words: str) -> str:
        """Give one of SLURM's own commands."""
        for _ in range(5):  # its answers are lost now and then where the machine is busy
            done = subprocess.run(words, env=os.environ | self.variables, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                return done.stdout.strip()
            time.sleep(1)
        raise AssertionError(done.stderr)

    def jobs(self) -> list[str]:
        """Those that run."""
        return self.say("squeue", "--noheader", "--array", "--states=RUNNING", "--format=%A").split()

    def ended(self, sweep: subprocess.Popen[str], code: int = 0) -> str:
        """Wait for the end of a sweep; returns what it printed."""
        while True:
            try:
                out, _ = sweep.communicate(timeout=1)
            except subprocess.TimeoutExpired:
                self.hurry()
            else:
                assert sweep.returncode == code, out
                return out

    def hurry(self) -> None:
        """Let requeued jobs begin after 5 seconds, which SLURM needs to clean up; it would wait for two minutes."""
        lines = self.say("squeue", "--noheader", "--array", "--states=PENDING", "--format=%A %r").splitlines()
        waiting = [job for job, _, reason in (line.partition(" ") for line in lines) if reason == "BeginTime"]
        self._queued = {job: self._queued.get(job, time.monotonic()) for job in waiting}
        for job, since in self._queued.items():
            if time.monotonic() - since > 5:
                subprocess.run(["scontrol", "update", f"jobid={job}", "starttime=now"], env=os.environ | self.variables)

    def requeues(self, job: str) -> int:
        """Times that a job, which SLURM remembers for some minutes, was put back."""
        found = re.search(r"Restarts=(\d+)", self.say("scontrol", "show", "job", job))
        assert found
        return int(found[1])

    def has_begun(self, job: str) -> bool:
        """Whether Python has read the first modules of a job, which is still far from a run."""
        with suppress(OSError):
            return any("torch" in (Path("/proc") / str(pid) / "maps").read_text() for pid in self._processes(job))
        return False

    def _processes(self, job: str) -> list[int]:
        """Of a job, and of SLURM that looks after it."""
        folder, found = self.variables["SLURM_SANDBOX"], []
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                name, around = (process / "cmdline").read_text(), (process / "environ").read_text()
                ours = folder in around
                if ours and (name.startswith(f"slurmstepd: [{job}.") or f"SLURM_JOB_ID={job}\0" in around):
                    found.append(int(process.name))
        return found

    def lose_node(self, job: str) -> None:
        """Kill all of SLURM that is on the node, with what it runs there, so that nothing can report its end."""
        slurmd = int((Path(self.variables["SLURM_SANDBOX"]) / "slurmd.pid").read_text())
        for pid in [slurmd, *self._processes(job)]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def node_returns(self) -> None:
        """Start the node again."""
        subprocess.run([which("slurmd")], env=os.environ | self.variables, capture_output=True, check=True)

    def sandbox(self, word: str) -> None:
        """Start it or stop it."""
        subprocess.run([SANDBOX, word], env=os.environ | self.variables, capture_output=True, check=True, timeout=90)


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    """A SLURM with two processors and nothing to do."""
    missing = [name for name in ("sbatch", "slurmctld", "slurmd", "munged") if not which(name)]
    if missing:
        pytest.skip(f"{missing[0]} is not installed; on Debian and Ubuntu: apt-get install slurm-wlm munge")
    folder = tmp_path_factory.mktemp("slurm")
    variables = {"SLURM_SANDBOX": str(folder), "SLURM_CONF": str(folder / "slurm.conf"), "SLURM_SANDBOX_CPUS": "2"}
    found = Slurm(variables)
    found.sandbox("start")
    try:
        yield found
    finally:
        found.sandbox("stop")


def which(name: str) -> str | None:
    """As the sandbox looks for it."""
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


def wait_until(condition: Callable[[], Any], seconds: float = 300) -> Any:
    """Wait for something to be there; returns it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"{condition} did not come true in {seconds} seconds")
