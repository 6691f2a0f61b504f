"""Runs under a real SLURM: what it does to them, and what becomes of them."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest
import torch

from .commands import TINY, figures, own_process, weights
from .slurm import Slurm, slurm, wait_until

__all__ = ["slurm"]
pytestmark = [pytest.mark.cluster, pytest.mark.timeout(400), pytest.mark.xdist_group("slurm")]

LONG = (
    *TINY,
    "trainer.max_epochs=4",
    "data.batch_size=16",  # 91 steps an epoch
    "callbacks.checkpoint.every_n_steps=20",
    "callbacks.ema.decay=0.99",
    "logger=none",
    "view=none",
    "view@callbacks.pictures.during_training=none",
)
RUN = "latent_dim-3--beta-1--seed-0"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    done = own_process("train", *LONG, f"hydra.run.dir={RUN}", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / RUN


def begun(run: Path) -> bool:
    """Whether the run is in the middle of its training."""
    return (run / "checkpoints" / "last.ckpt").exists()


def attempts(run: Path) -> int:
    return int(json.loads((run / "status.json").read_text())["attempts"])


def assert_same(run: Path, other: Path) -> None:
    for name in ("last.ckpt", "best.ckpt"):
        a, b = (torch.load(folder / "checkpoints" / name, weights_only=True) for folder in (run, other))
        assert a["global_step"] == b["global_step"]
        assert all(torch.equal(a["state_dict"][key], b["state_dict"][key]) for key in b["state_dict"]), name
        assert all(torch.equal(a["average"][key], b["average"][key]) for key in b["average"]), name
    assert figures(run) == figures(other)


def output(sweep: Path) -> str:
    return "".join(path.read_text() for path in sorted(sweep.glob(".slurm/*/*.log")))


def test_a_requeued_job_goes_on_as_if_nothing_had_happened(tmp_path, slurm: Slurm, undisturbed):
    run = tmp_path / "sweep" / RUN
    with slurm.sweep(*LONG, cwd=tmp_path, step=0.05) as sweep:
        wait_until(lambda: begun(run))
        slurm.say("scontrol", "requeue", *slurm.jobs())
        slurm.ended(sweep)
    assert "going on from" in output(tmp_path / "sweep")
    assert attempts(run) == 2
    assert_same(run, undisturbed)


def test_a_job_that_comes_to_its_time_limit_saves_and_goes_on_in_another(tmp_path, slurm: Slurm, undisturbed):
    limit = ("hydra.launcher.job.timeout_min=1", "hydra.launcher.job.warn_seconds=10")
    with slurm.sweep(*LONG, *limit, cwd=tmp_path, step=0.3) as sweep:  # 110 seconds of steps
        slurm.ended(sweep)
    run = tmp_path / "sweep" / RUN
    assert attempts(run) >= 2, output(tmp_path / "sweep")
    assert_same(run, undisturbed)


def test_a_job_that_is_told_to_end_while_it_starts_begins_again(tmp_path, slurm: Slurm, undisturbed):
    run = tmp_path / "sweep" / RUN
    with slurm.sweep(*LONG, cwd=tmp_path) as sweep:
        [job] = wait_until(slurm.jobs)
        wait_until(lambda: slurm.has_begun(job))
        slurm.say("scancel", "--signal=TERM", job)
        slurm.ended(sweep)
    assert "going on from" not in output(tmp_path / "sweep")
    assert slurm.requeues(job) == 1
    assert_same(run, undisturbed)


def test_a_preempted_job_saves_and_goes_on_when_there_is_room(tmp_path, slurm: Slurm, undisturbed):
    run = tmp_path / "sweep" / RUN
    with slurm.sweep(*LONG, cwd=tmp_path, step=0.05) as sweep:
        wait_until(lambda: begun(run))
        slurm.say("sbatch", "--partition=urgent", "--ntasks=2", "--output=/dev/null", "--wrap=sleep 1")
        slurm.ended(sweep)
    assert attempts(run) == 2, output(tmp_path / "sweep")
    assert_same(run, undisturbed)


def test_a_killed_job_leaves_the_others_alone_and_is_finished_by_the_same_command(tmp_path, slurm: Slurm, undisturbed):
    folder = tmp_path / "sweep"
    run, other = folder / RUN, folder / RUN.replace("seed-0", "seed-1")
    with slurm.sweep(*LONG, "seed=0,1", cwd=tmp_path, step=0.05) as sweep:
        wait_until(lambda: begun(run))
        os.kill(json.loads((run / "run.lock").read_text())["pid"], signal.SIGKILL)
        out = slurm.ended(sweep, code=1)
    assert "1 done, 1 interrupted of 2 runs" in out
    before = (other / "metrics.json").stat().st_mtime_ns
    with slurm.sweep(*LONG, "seed=0,1", cwd=tmp_path) as sweep:
        assert "1 runs are SLURM's job" in slurm.ended(sweep)  # the finished one is not submitted again
    assert attempts(run) == 2
    assert (other / "metrics.json").stat().st_mtime_ns == before
    assert_same(run, undisturbed)


def test_a_cancelled_job_stays_so(tmp_path, slurm: Slurm):
    run = tmp_path / "sweep" / RUN
    with slurm.sweep(*LONG, cwd=tmp_path, step=0.05) as sweep:
        wait_until(lambda: begun(run))
        slurm.say("scancel", *slurm.jobs())
        assert "1 interrupted of 1 runs" in slurm.ended(sweep, code=1)
    assert not slurm.say("squeue", "--noheader")


def test_a_sweep_that_is_stopped_takes_its_jobs_along(tmp_path, slurm: Slurm):
    with slurm.sweep(*LONG, "seed=0,1,2", cwd=tmp_path, step=0.05) as sweep:
        wait_until(lambda: begun(tmp_path / "sweep" / RUN))
        sweep.send_signal(signal.SIGTERM)
        assert "the sweep was stopped, 0 of 3 runs are finished" in slurm.ended(sweep, code=143)
    wait_until(lambda: not slurm.say("squeue", "--noheader"))


def test_a_run_goes_on_when_its_node_was_lost_and_is_back(tmp_path, slurm: Slurm, undisturbed):
    run = tmp_path / "sweep" / RUN
    with slurm.sweep(*LONG, cwd=tmp_path, step=0.05) as sweep:
        wait_until(lambda: begun(run))
        [job] = slurm.jobs()
        slurm.lose_node(job)
        wait_until(lambda: "down" in slurm.say("sinfo", "--noheader", "--format=%T"))
        slurm.node_returns()
        slurm.ended(sweep)
    assert attempts(run) == 2, output(tmp_path / "sweep")
    assert_same(run, undisturbed)


def test_a_drained_node_ends_its_job_and_takes_no_other(tmp_path, slurm: Slurm):
    node = slurm.say("sinfo", "--noheader", "--format=%N")
    with slurm.sweep(*LONG, "seed=0,1,2", cwd=tmp_path, step=0.01) as sweep:
        wait_until(lambda: begun(tmp_path / "sweep" / RUN))
        slurm.say("scontrol", "update", f"nodename={node}", "state=drain", "reason=test")
        wait_until(lambda: not slurm.jobs())
        assert len(list((tmp_path / "sweep").glob("*/metrics.json"))) == 2
        slurm.say("scontrol", "update", f"nodename={node}", "state=resume")
        assert "3 done of 3 runs" in slurm.ended(sweep)


GREY = ("data.binarize=none", "loss.num_samples=1")  # nothing random in the examples
SURE = ("model.posterior.min_log_var=-60", "model.posterior.max_log_var=-59")  # z is the posterior's mean
STEPS = (*TINY, *GREY, *SURE, "loss.beta=0", "optimizer=sgd", "lr_schedule=constant", "trainer.max_epochs=1")
TWO = ("trainer.devices=2", "trainer.strategy=ddp", "data.batch_size=64")


def assert_close(run: Path, other: Path) -> None:
    """Weights and figures are equal, within float error."""
    mine, theirs = (weights(folder / "checkpoints" / "last.ckpt") for folder in (run, other))
    for name, weight in theirs.items():
        torch.testing.assert_close(mine[name], weight, rtol=1e-4, atol=1e-6)
    mine, theirs = figures(run), figures(other)
    for name in ("val/mse", "test/mse", "test/rate", "test/kl_per_dim"):  # free of noise
        assert mine[name] == pytest.approx(theirs[name], rel=1e-4), name


@pytest.fixture(scope="module")
def one_process(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("one_process")
    done = own_process("train", *STEPS, "data.batch_size=128", "hydra.run.dir=run", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "run"


def test_two_tasks_take_the_steps_of_one_process(tmp_path, slurm: Slurm, one_process):
    with slurm.sweep(*STEPS, *TWO, cwd=tmp_path) as sweep:
        slurm.ended(sweep)
    [run] = (tmp_path / "sweep").glob("*seed-0")
    assert attempts(run) == 1
    assert output(tmp_path / "sweep").count("epoch 1") == 1  # the first alone speaks
    assert_close(run, one_process)


def test_torchrun_takes_the_steps_of_one_process(tmp_path, one_process):
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "vae_exp")
    done = own_process("train", *STEPS, *TWO, "hydra.run.dir=run", cwd=tmp_path, program=torchrun)
    assert done.returncode == 0, done.stderr
    assert attempts(tmp_path / "run") == 1
    assert_close(tmp_path / "run", one_process)


def test_two_tasks_that_are_warned_leave_together_and_go_on(tmp_path, slurm: Slurm):
    both = (*LONG, "trainer.devices=2", "trainer.strategy=ddp", "trainer.max_epochs=2")
    for name, step in (("whole", 0.0), ("parts", 0.05)):
        (tmp_path / name).mkdir()
        run = tmp_path / name / "sweep" / RUN
        with slurm.sweep(*both, cwd=tmp_path / name, step=step) as sweep:
            if name == "parts":
                wait_until((run / "checkpoints" / "last.ckpt").exists)
                slurm.say("scancel", "--signal=USR2", *slurm.jobs())
            slurm.ended(sweep)
    assert attempts(run) == 2
    assert_same(run, tmp_path / "whole" / "sweep" / RUN)
