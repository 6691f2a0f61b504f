"""What a run of a sweep has to do, by what is in its folder."""

import json
from itertools import pairwise

import pytest
from omegaconf import OmegaConf

from vae_exp.cli.standing import standing
from vae_exp.config.combinations import runs_of
from vae_exp.config.compose import compose
from vae_exp.config.names import run_folder
from vae_exp.errors import UserError


@pytest.fixture(scope="module")
def cfg():
    return compose("train", ["data=digits"])


def changed(cfg, **values):
    cfg = OmegaConf.create({key: cfg._get_node(key) for key in cfg if key != "hydra"})
    for key, value in values.items():
        OmegaConf.update(cfg, key.replace("__", "."), value)
    return cfg


def leave(folder, cfg, state, *, checkpoint=True):
    """A folder as a run leaves it."""
    (folder / ".hydra").mkdir()
    (folder / ".hydra" / "config.yaml").write_text(OmegaConf.to_yaml(changed(cfg)))
    (folder / "status.json").write_text(json.dumps({"state": state}))
    if checkpoint:
        (folder / "checkpoints").mkdir()
        (folder / "checkpoints" / "last.ckpt").touch()
    if state == "done":
        (folder / "metrics.json").write_text("{}")


def test_a_run_that_is_not_there_and_one_that_never_took_a_step_begin(cfg, tmp_path):
    assert standing(cfg, tmp_path / "absent") == "go on"
    leave(tmp_path, cfg, "failed", checkpoint=False)
    assert standing(changed(cfg, loss__beta=7), tmp_path) == "go on"


@pytest.mark.parametrize("state", ["running", "interrupted", "failed", "pruned"])
def test_an_unfinished_run_goes_on(cfg, tmp_path, state):
    leave(tmp_path, cfg, state)
    assert standing(cfg, tmp_path) == "go on"
    assert standing(changed(cfg, trainer__max_epochs=3), tmp_path) == "go on"
    with pytest.raises(UserError, match=r"a run of another configuration \(loss.beta was 1.0 and is 7\)"):
        standing(changed(cfg, loss__beta=7), tmp_path)
    assert standing(changed(cfg, loss__beta=7, sweep__on_conflict="rerun"), tmp_path) == "restart"


def test_a_pruned_trial_is_finished(cfg, tmp_path):
    leave(tmp_path, cfg, "pruned")
    assert standing(changed(cfg, sweep__trial=3), tmp_path) == "finished"


def test_a_finished_run_is_finished_wherever_and_however_it_would_be_done(cfg, tmp_path):
    leave(tmp_path, cfg, "done")
    assert standing(cfg, tmp_path) == "finished"
    elsewhere = {"data__root": "/x", "trainer__accelerator": "cpu", "callbacks__progress__log_seconds": 9.0}
    elsewhere |= {"data__num_workers": 3, "data__memory_limit_gb": 0.5}
    assert standing(changed(cfg, **elsewhere, sweep__metric="test/nll"), tmp_path) == "finished"
    assert standing(changed(cfg, resume="never"), tmp_path) == "go on"


@pytest.mark.parametrize(
    "key", ["trainer__max_epochs", "optimizer__lr", "callbacks__ema__decay", "callbacks__checkpoint__highest", "seed"]
)
def test_a_finished_run_of_another_configuration(cfg, tmp_path, key):
    leave(tmp_path, cfg, "done")
    other = changed(cfg, **{key: 0.25})
    with pytest.raises(UserError, match=f"a finished run of another configuration .{key.replace('__', '.')} was"):
        standing(other, tmp_path)
    other.sweep.on_conflict = "rerun"
    assert standing(other, tmp_path) == "restart"


def test_ready_sweeps():
    grid = runs_of("train", ["sweep=latent_beta", "data=digits"], multirun=False)
    assert (grid.multirun, grid.grid, len(grid.overrides)) == (True, True, 75)
    line = runs_of("train", ["sweep=rate_distortion"], multirun=False)
    weights = [float(text.partition("=")[2]) for run in line.overrides for text in run if text.startswith("loss.beta")]
    assert [b / a for a, b in pairwise(weights)] == [2.0] * 8
    free = runs_of("train", ["sweep=optuna", "seed=1"], multirun=False)
    assert (free.multirun, free.grid) == (True, False)
    assert len(free.overrides) == 4  # the lower ends, and each upper one
    assert not runs_of("train", ["seed=1"], multirun=False).multirun


def test_the_folder_of_a_run_is_known_beforehand_and_the_same_for_more_values():
    def folders(*overrides):
        runs = runs_of("train", overrides, multirun=True)
        mode = [*runs.naming, "hydra.mode=MULTIRUN"]
        return {str(run_folder(compose("train", [*some, *mode]))) for some in runs.overrides}

    few = folders("data=digits", "model.latent_dim=2")
    assert few < folders("seed=0,1", "model.latent_dim=2", "data=digits")
    assert few == folders("cluster=local", "data=digits", "model.latent_dim=2", "loss.beta=1.0")
    assert {folder.rpartition("/")[2] for folder in few} == {"latent_dim-2--beta-1--seed-0"}
    with pytest.raises(UserError, match=r"hydra\.sweep\.subdir"):
        folders("seed=0", "hydra.sweep.subdir=${hydra.job.num}")
