"""A sweep that is killed, stopped, or done by several processes ends as one that was not."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from .commands import MODULE, TINY, environment, figures, own_process

SWEEP = (
    "train",
    "-m",
    *TINY,
    "trainer.max_epochs=4",
    "data.batch_size=16",
    "callbacks.checkpoint.every_n_steps=20",
    "logger=none",
    "model.latent_dim=2,3",
    "optimizer.lr=2e-3,1e30",  # the latter fails
    "training.max_skipped_steps=2",
    "trainer.log_every_n_steps=5",
    "hydra.sweep.dir=sweep",
)
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    done = own_process(*SWEEP, cwd=folder)
    assert done.returncode == 1, done.stderr
    assert "2 done, 2 failed of 4 runs" in done.stdout
    return folder / "sweep"


def start(cwd: Path, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*MODULE, *SWEEP, *more],
        cwd=cwd,
        env=environment(cwd),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def wait_for(process: subprocess.Popen[str], sweep: Path, finished: int) -> None:
    """Until so many runs are finished, and the next one has a checkpoint."""
    while process.poll() is None:
        if len(list(sweep.glob("*/metrics.json"))) >= finished and len(list(sweep.glob("*/*/last.ckpt"))) > finished:
            return
        time.sleep(0.01)
    raise AssertionError(process.communicate()[1])


def assert_same(sweep: Path, other: Path) -> None:
    runs = {path.parent.name for path in other.glob("*/metrics.json")}
    assert {path.parent.name for path in sweep.glob("*/metrics.json")} == runs
    assert all(figures(sweep / name) == figures(other / name) for name in runs)


def attempts(sweep: Path) -> list[int]:
    """Of the runs that are done."""
    status = [json.loads(path.read_text()) for path in sorted(sweep.glob("*/status.json"))]
    return [each["attempts"] for each in status if each["state"] == "done"]


def test_a_sweep_killed_twice_is_finished_and_no_run_is_trained_twice(tmp_path, undisturbed):
    sweep = tmp_path / "sweep"
    for finished in (0, 1):
        process = start(tmp_path)
        wait_for(process, sweep, finished)
        process.kill()
        process.communicate()
    seen = own_process("status", "sweep", "--json", cwd=tmp_path)
    assert "interrupted" in json.loads(seen.stdout)["counts"]
    before = {path: path.stat().st_mtime_ns for path in sweep.glob("*/metrics.json")}
    done = own_process(*SWEEP, cwd=tmp_path)
    assert done.returncode == 1
    assert "2 done, 2 failed of 4 runs" in done.stdout
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())
    assert attempts(sweep) == [2, 2]  # each was killed once
    assert_same(sweep, undisturbed)


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_sweep_that_is_stopped_stops_as_a_whole_and_goes_on(tmp_path, undisturbed, sent, code):
    sweep = tmp_path / "sweep"
    process = start(tmp_path)
    wait_for(process, sweep, 0)
    process.send_signal(sent)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    assert "the sweep was stopped, 0 of 4 runs are finished in sweep; the same command goes on with it" in err
    assert "Traceback" not in err
    assert len(list(sweep.glob("*/status.json"))) == 1
    assert own_process(*SWEEP, cwd=tmp_path).returncode == 1
    assert_same(sweep, undisturbed)


def test_two_commands_at_a_time_share_the_runs(tmp_path, undisturbed):
    processes = [start(tmp_path) for _ in range(2)]
    for process in processes:
        process.communicate(timeout=300)
    assert own_process(*SWEEP, cwd=tmp_path).returncode == 1
    assert attempts(tmp_path / "sweep") == [1, 1]
    assert_same(tmp_path / "sweep", undisturbed)


def test_parallel_processes_have_the_same_figures_and_end_with_their_parent(tmp_path, undisturbed):
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    sweep = tmp_path / "sweep"
    process = start(tmp_path, "cluster=joblib", "hydra.launcher.n_jobs=2")
    wait_for(process, sweep, 0)
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 60
    while list(sweep.glob("*/run.lock")) and time.monotonic() < deadline:
        time.sleep(0.1)
    states = {json.loads(path.read_text())["state"] for path in sweep.glob("*/status.json")}
    assert states <= {"interrupted", "failed"}
    done = own_process(*SWEEP, "cluster=joblib", "hydra.launcher.n_jobs=2", cwd=tmp_path)
    assert done.returncode == 1
    assert "2 done, 2 failed of 4 runs" in done.stdout
    assert "epoch 4" not in done.stderr  # of several runs at a time, nobody could tell whose
    assert_same(sweep, undisturbed)
