"""The life of a sweep: given again it does what is missing, and nothing twice."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from .commands import TINY, figures

BRIEF = (
    *(word for word in TINY if "latent_dim" not in word and "max_epochs" not in word),
    "trainer.max_epochs=1",
    "model.latent_dim=2",
    "logger=none",
    "callbacks.pictures.every_n_epochs=9",
)


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VAE_EXP_DATA", str(tmp_path / "cache"))


def status(run: Path) -> dict:
    return json.loads((run / "status.json").read_text())


def attempts() -> dict[str, int]:
    return {path.parent.name: status(path.parent)["attempts"] for path in Path().glob("multirun/*/*/status.json")}


def states(command, folder) -> dict[str, str]:
    done = command("status", str(folder), "--json")
    assert done.code == 0, done.err
    return {run["name"]: run["state"] for run in json.loads(done.out)["runs"]}


STRICT = "training.max_skipped_steps=1"


def test_a_sweep_given_again_does_what_is_missing_and_nothing_twice(command):
    # After one such step the weights are out of all bounds.
    first = command("train", "-m", *BRIEF, STRICT, "seed=0", "optimizer.lr=1e-3,1e38")
    assert first.code == 1
    good, bad = "latent_dim-2--beta-1--seed-0--lr-0.001", "latent_dim-2--beta-1--seed-0--lr-1e_38.c1b707"
    [folder] = Path("multirun").iterdir()
    assert folder.name.startswith("data-digits--")
    assert states(command, folder) == {good: "done", bad: "failed"}
    assert "optimizer.lr=1e+38 failed: " in first.err
    assert "1 done, 1 failed of 2 runs" in first.out
    assert status(folder / bad)["error"] in first.out.replace("\n", "")
    assert "Traceback" in (folder / bad / "train.log").read_text()
    assert "Traceback" not in first.err

    # in another order, with other words for the same values, with more of them, and what failed left out
    weights = (folder / good / "checkpoints" / "last.ckpt").read_bytes()
    again = command("train", "-m", STRICT, *reversed(BRIEF), "optimizer.lr=0.0010,2e-3")
    assert again.code == 0, again.err
    assert "done before" in again.out
    assert [path.name for path in Path("multirun").iterdir()] == [folder.name]
    new = [f"latent_dim-2--beta-1--seed-0--lr-{rate}" for rate in (0.001, 0.002)]
    assert attempts() == dict.fromkeys([*new, bad], 1)
    assert (folder / good / "checkpoints" / "last.ckpt").read_bytes() == weights
    assert states(command, folder) == dict.fromkeys(new, "done") | {bad: "failed"}


def test_what_does_not_fit_the_data_is_known_before_the_first_run(command):
    conv = ("model=conv", "model/encoder=conv", "model/decoder=conv", "model.encoder.channels=[4],[4,4,4,4]")
    done = command("train", "-m", *(word for word in BRIEF if "hidden" not in word), *conv, "loss.beta=1,2")
    assert done.code == 1
    assert "nothing was started, since 2 of 4 runs cannot be" in done.err
    assert "pictures of 8x8 cannot be halved 4 times" in done.err
    assert done.err.count("model.encoder.channels=[4,4,4,4]") == 2
    assert "model.encoder.channels=[4] " not in done.err
    done = command("train", "-m", *BRIEF, "data.val_fraction=0.1,0.95")
    assert "1 of 2 runs cannot be" in done.err
    assert "data.val_fraction=0.95" in done.err
    assert list(Path().iterdir()) == [Path("cache")]


@pytest.mark.slow
def test_a_finished_run_of_another_configuration(command, monkeypatch):
    sweep = ("train", "-m", *BRIEF, "hydra.sweep.dir=mine")
    assert command(*sweep, "seed=0").code == 0
    [run] = Path("mine").glob("latent_dim*")
    before = figures(run)

    refused = command(*sweep, "seed=0,1", "optimizer.lr=0.01")
    assert refused.code == 1
    assert "nothing was started, since 1 of 2 runs cannot be" in refused.err
    assert re.search(r"optimizer\.lr was \S+ and is 0\.01", refused.err)
    assert "sweep.on_conflict=rerun" in refused.err
    assert len(list(Path("mine").glob("latent_dim*"))) == 1

    assert command(*sweep, "seed=0", "callbacks.progress.log_seconds=7").code == 0  # which changes no figure
    assert status(run)["attempts"] == 1
    done = command(*sweep, "seed=0", "optimizer.lr=0.01", "sweep.on_conflict=rerun")
    assert done.code == 0, done.err
    assert figures(run) != before
    assert "lr: 0.01" in (run / ".hydra" / "config.yaml").read_text()


def test_runs_that_another_process_is_at_are_left_to_it(command):
    sweep = ("train", "-m", *BRIEF, "hydra.sweep.dir=mine", "seed=0")
    assert command(*sweep).code == 0
    [run] = Path("mine").glob("latent_dim*")
    (run / "status.json").unlink()
    from vae_exp.sweeps.lock import held

    with held(run):
        done = command(*sweep)
        assert states(command, "mine") == {run.name: "running"}
    assert done.code == 1
    assert f"is being worked on by process {os.getpid()}" in done.err
    assert states(command, "mine") == {run.name: "missing"}
    with held(run):
        alone = command("train", *BRIEF, f"hydra.run.dir={run}")
    assert alone.code == 1
    assert "is being worked on" in alone.err


@pytest.mark.slow
def test_the_objective_is_what_sweepers_get(command, monkeypatch):
    from vae_exp.cli import train

    seen = []
    inner = train._train
    monkeypatch.setattr(train, "_train", lambda *a: seen.append(inner(*a)) or seen[-1])
    sweep = ("train", "-m", *BRIEF, "hydra.sweep.dir=mine", "seed=0")
    assert command(*sweep, "sweep.metric=test/rate").code == 0
    [run] = Path("mine").glob("latent_dim*")
    assert seen == [figures(run)["test/rate"]]
    refused = command(*sweep, "sweep.metric=rate")
    assert "sweep.metric=rate: should be the name of a figure" in refused.err
    late = command(*sweep, "sweep.metric=val/nebo")
    assert "did you mean val/nelbo?" in late.err


def test_an_interrupt_ends_the_whole_sweep_and_says_how_to_go_on(command, monkeypatch):
    from vae_exp.training.lit import LitVAE

    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(LitVAE, "on_train_epoch_end", interrupt)
        done = command("train", "-m", *BRIEF, "hydra.sweep.dir=mine", "seed=0,1")
    assert done.code == 130
    assert "the sweep was stopped, 0 of 2 runs are finished in mine; the same command goes on with it" in done.err
    first, second = (f"latent_dim-2--beta-1--seed-{seed}" for seed in (0, 1))
    assert states(command, "mine") == {first: "interrupted", second: "missing"}
    done = command("train", "-m", *BRIEF, "hydra.sweep.dir=mine", "seed=0,1")
    assert done.code == 0, done.err
    assert [status(Path("mine", name))["attempts"] for name in (first, second)] == [2, 1]


OPTUNA = (
    "hydra.sweeper.n_trials=1",
    "hydra.sweep.dir=study",
    "loss.beta=tag(log,interval(0.1,10))",
    "model.latent_dim=choice(2,3)",
)


def test_optuna_goes_on_with_its_study(command):
    pytest.importorskip("optuna")
    from vae_exp.sweeps.study import Study

    sweep = ("train", "-m", "hydra/sweeper=optuna", *BRIEF, *OPTUNA)
    done = command(*sweep)
    assert done.code == 0, done.err
    runs = {run.name for run in Path("study").glob("latent_dim*")}
    assert len(runs) == 1
    done = command(*sweep)
    assert done.code == 0, done.err
    assert {run.name for run in Path("study").glob("latent_dim*")} == runs
    done = command(*sweep, "hydra.sweeper.n_trials=2")
    assert done.code == 0, done.err
    found = {run.name: figures(run)["val/nelbo"] for run in Path("study").glob("latent_dim*")}
    assert len(found) == 2
    assert runs < set(found)
    study = Study(folder=Path("study"), direction="minimize", pruning={"startup_trials": 1, "warmup_epochs": 1}, seed=0)
    value, params = study.best()
    assert value == min(found.values())
    assert set(params) == {"loss.beta", "model.latent_dim"}
    assert all(status(Path("study", name))["attempts"] == 1 for name in found)


def test_optuna_tries_both_ends_before_it_begins(command):
    pytest.importorskip("optuna")
    done = command("train", "-m", "hydra/sweeper=optuna", *BRIEF, *OPTUNA, "optimizer.lr=interval(-1,0)")
    assert done.code == 1
    assert "nothing was started" in done.err
    assert not Path("study").exists()


@pytest.mark.slow
def test_an_unfinished_trial_goes_on(command):
    pytest.importorskip("optuna")
    sweep = ("train", "-m", "hydra/sweeper=optuna", *BRIEF, *OPTUNA)
    assert command(*sweep).code == 0
    journal = Path("study", "study.journal")
    lines = journal.read_text().splitlines(keepends=True)
    # As a kill leaves it: the run was begun, and nobody told the study of its end.
    journal.write_text("".join(line for line in lines if '"op_code":6' not in line))
    [run] = Path("study").glob("latent_dim*")
    shutil.rmtree(run / "images")
    (run / "status.json").write_text(json.dumps({"state": "running", "attempts": 1}))
    done = command(*sweep)
    assert done.code == 0, done.err
    assert [path.name for path in Path("study").glob("latent_dim*")] == [run.name]
    assert status(run) == {**status(run), "state": "done", "attempts": 2}
