"""What is asked of SLURM when a job must end; SLURM's own answers are in e2e/test_slurm.py."""

import os
import signal

import pytest

from vae_exp.cli import requeue
from vae_exp.cli.requeue import requeued
from vae_exp.cli.stop import TERMINATED, stoppable


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """Programs by the names of SLURM's; returns what scontrol was asked for, given the state of the job."""

    def be(state, reason="None"):
        for name, does in {"squeue": f"echo {state} {reason}", "scontrol": f'echo "$@" >> {tmp_path}/asked'}.items():
            (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n")
            (tmp_path / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        monkeypatch.setenv("SLURM_JOB_ID", "17")
        asked = tmp_path / "asked"
        return lambda: asked.read_text().splitlines() if asked.exists() else []

    return be


def told(folder, number, *, steps=1, first=True):
    """A run that is sent a signal after so many steps."""

    def run():
        with requeued(folder, first=first), stoppable():
            for step in range(steps):
                (folder / "checkpoints").mkdir(exist_ok=True)
                (folder / "checkpoints" / "last.ckpt").write_text(str(step))
            signal.raise_signal(number)

    with pytest.raises(SystemExit) as caught:
        run()
    assert caught.value.code == TERMINATED


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM])
def test_a_run_that_is_told_to_end_is_put_back(tmp_path, cluster, number):
    asked = cluster("RUNNING")
    told(tmp_path, number)
    assert asked() == ["requeue 17"]


@pytest.mark.parametrize(("reason", "back"), [("TimeLimit", ["requeue 17"]), ("None", [])])
def test_a_job_that_is_over_is_put_back_for_its_time_limit_alone(tmp_path, cluster, reason, back):
    asked = cluster("COMPLETING", reason)
    told(tmp_path, signal.SIGTERM)
    assert asked() == back


def test_a_job_too_short_for_a_step_is_not_put_back_for_ever(tmp_path, cluster, capsys):
    asked = cluster("RUNNING")
    told(tmp_path, signal.SIGUSR2, steps=0)
    assert not asked()
    assert "has not taken a step" in capsys.readouterr().err


def test_the_first_process_alone_speaks_to_slurm(tmp_path, cluster, monkeypatch):
    asked = cluster("RUNNING")
    monkeypatch.setattr(requeue, "_PATIENCE", 0.0)
    told(tmp_path, signal.SIGTERM, first=False)
    assert not asked()


def test_outside_of_slurm_and_after_the_run_signals_are_what_they_were(tmp_path, cluster, monkeypatch):
    before = [signal.getsignal(number) for number in requeue.WARNINGS]
    cluster("RUNNING")
    with requeued(tmp_path, first=True):
        assert [signal.getsignal(number) for number in requeue.WARNINGS] != before
    assert [signal.getsignal(number) for number in requeue.WARNINGS] == before
    monkeypatch.delenv("SLURM_JOB_ID")
    with requeued(tmp_path, first=True):
        assert [signal.getsignal(number) for number in requeue.WARNINGS] == before
