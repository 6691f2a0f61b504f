"""A run that is killed, whenever it is, and given again ends as one that was not."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
import torch

from .commands import MODULE, TINY, environment, figures, own_process, weights

LONG = (
    *TINY,
    "trainer.max_epochs=12",
    "data.batch_size=16",  # 91 steps an epoch
    "callbacks.checkpoint.every_n_steps=7",
    "callbacks.ema.decay=0.99",
    "callbacks.pictures.every_n_epochs=3",
)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    done = own_process("train", *LONG, "hydra.run.dir=run", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "run"


def start(cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*MODULE, "train", *LONG, "hydra.run.dir=run"],
        cwd=cwd,
        env=environment(cwd),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(
            signal.SIGINT, signal.SIG_DFL
        ),  # ignored where the tests run in the background
    )


def wait_for_steps(process: subprocess.Popen[str], run: Path) -> None:
    """Until the process has put a checkpoint of its own where there may be one of an earlier process."""
    last = run / "checkpoints" / "last.ckpt"
    before = last.stat().st_mtime_ns if last.exists() else 0
    while process.poll() is None and (not last.exists() or last.stat().st_mtime_ns == before):
        time.sleep(0.005)


def assert_same(run: Path, other: Path) -> None:
    for name in ("last.ckpt", "best.ckpt"):
        a, b = (torch.load(folder / "checkpoints" / name, weights_only=True) for folder in (run, other))
        assert a["global_step"] == b["global_step"]
        assert all(torch.equal(a["state_dict"][key], b["state_dict"][key]) for key in b["state_dict"]), name
        assert all(torch.equal(a["average"][key], b["average"][key]) for key in b["average"]), name
        assert a["callbacks"] == b["callbacks"]
    assert figures(run) == figures(other)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ten_kills_at_random_moments_change_nothing(tmp_path, undisturbed):
    chance, run, states = random.Random(1), tmp_path / "run", []
    for _ in range(10):
        process = start(tmp_path)
        wait_for_steps(process, run)
        time.sleep(chance.uniform(0, 0.25))
        process.kill()
        process.communicate()
        states.append(process.returncode)
        if (run / "checkpoints" / "last.ckpt").exists():
            assert weights(run / "checkpoints" / "last.ckpt")  # whole
    done = own_process("train", *LONG, "hydra.run.dir=run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert states.count(-signal.SIGKILL) >= 8
    assert json.loads((run / "status.json").read_text())["attempts"] == 11
    assert_same(run, undisturbed)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_run_that_is_stopped_says_so_and_goes_on(tmp_path, undisturbed, sent, code):
    run = tmp_path / "run"
    for _ in range(2):
        process = start(tmp_path)
        wait_for_steps(process, run)
        process.send_signal(sent)
        _, err = process.communicate(timeout=60)
        assert process.returncode == code, err
        assert "Traceback" not in err
        assert json.loads((run / "status.json").read_text())["state"] == "interrupted"
        assert weights(run / "checkpoints" / "last.ckpt")
    done = own_process("train", *LONG, "hydra.run.dir=run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert_same(run, undisturbed)


SLOW_WRITES = """
import os, sys, time
real = os.fsync
def slow(handle):
    if ".ckpt" in os.readlink(f"/proc/self/fd/{handle}"):
        print("writing", flush=True)
        time.sleep(0.5)
    real(handle)
os.fsync = slow
from vae_exp.cli import main
raise SystemExit(main(sys.argv[1:]))
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_a_kill_while_a_checkpoint_is_written_leaves_the_one_before(tmp_path, undisturbed):
    program = tmp_path / "program.py"
    program.write_text(SLOW_WRITES)
    run = tmp_path / "run"
    for writes in (1, 2, 4):
        process = subprocess.Popen(
            [MODULE[0], str(program), "train", *LONG, "hydra.run.dir=run"],
            cwd=tmp_path,
            env=environment(tmp_path),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout is not None
        for line in process.stdout:
            writes -= line == "writing\n"
            if writes == 0:
                break
        process.kill()
        process.communicate()
        assert all(weights(path) for path in (run / "checkpoints").glob("*.ckpt"))
    done = own_process("train", *LONG, "hydra.run.dir=run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert_same(run, undisturbed)
    assert {path.name for path in (run / "checkpoints").glob("*.ckpt")} == {"last.ckpt", "best.ckpt"}
