"""A run that is given again, goes on elsewhere, or has come to nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .commands import TINY, figures

BRIEF = (*TINY, "logger=none", "view=none", "callbacks.pictures.every_n_epochs=0")


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VAE_EXP_DATA", str(tmp_path / "cache"))


def state(folder: str) -> str:
    return json.loads(Path(folder, "status.json").read_text())["state"]


def test_a_run_that_has_diverged_fails_however_often_it_is_given(command):
    for _ in range(2):
        done = command("train", *BRIEF, "optimizer.lr=1e30", "hydra.run.dir=run")
        assert done.code == 1
        assert state("run") == "failed"
        assert not Path("run", "metrics.json").exists()
        assert "the gradient" in done.err or "training has diverged" in done.err


def test_a_run_goes_on_in_another_folder(command, run):
    start = f"resume={run}/checkpoints/last.ckpt"
    nothing_left = command("train", *BRIEF, start, "hydra.run.dir=new")
    assert "has all of them, and nothing is left to train" in nothing_left.err
    assert not Path("new").exists()
    longer = (*BRIEF, "trainer.max_epochs=3", start)
    assert command("train", *longer, "hydra.run.dir=new").code == 0
    assert Path("new", "checkpoints", "best.ckpt").is_file()
    found = figures(Path("new"))
    again = command("train", *longer, "hydra.run.dir=new")  # goes on from its own, and finds nothing to do
    assert again.code == 0, again.err
    assert figures(Path("new")) == found
    before = figures(run)
    other = command("train", *longer, "seed=7", f"hydra.run.dir={run}", "resume=new/checkpoints/last.ckpt")
    assert other.code == 1
    assert "holds a run of another configuration" in other.err
    assert figures(run) == before


@pytest.mark.parametrize("harm", ["shorter", "cut"])
def test_a_finished_run_stays_finished_where_it_cannot_go_on(command, run, harm):
    if harm == "cut":
        last = run / "checkpoints" / "last.ckpt"
        content = last.read_bytes()[:1000]
        last.unlink()  # which may be best.ckpt, too
        last.write_bytes(content)
    epochs = {"shorter": 1, "cut": 3}[harm]
    done = command("train", *BRIEF, f"trainer.max_epochs={epochs}", f"hydra.run.dir={run}")
    assert done.code == 1
    assert {"shorter": "has 2 epochs already", "cut": "cut short"}[harm] in done.err
    assert state(str(run)) == "done"


def test_a_figure_that_is_not_measured_fails_the_run(command):
    done = command("train", *BRIEF, "trainer.max_epochs=1", "sweep.metric=val/nope", "hydra.run.dir=run")
    assert done.code == 1
    assert "did you mean val/nelbo?" in done.err
    assert state("run") == "failed"


def test_runs_of_a_sweep_have_folders_of_their_own(command):
    words = ("-m", *BRIEF, "seed=0,1", "hydra.sweep.dir=sweep")
    done = command("train", *words, "hydra.sweep.subdir=same")
    assert done.code == 1
    assert "sweep/same is the folder of other runs, too" in done.err
    assert not Path("sweep").exists()


def test_a_run_that_begins_again_leaves_nothing_of_the_old_one(command, run):
    left = run / "images" / "old.png"
    left.write_bytes(b"")
    Path(run, "report").mkdir()
    done = command("train", *BRIEF, "resume=never", f"hydra.run.dir={run}", "trainer.max_epochs=1")
    assert done.code == 0, done.err
    assert not left.exists()
    assert not Path(run, "report").exists()
    assert json.loads(Path(run, "progress.json").read_text())["epoch"] == 1
