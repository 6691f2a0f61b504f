"""The figures of a run: the same in a sweep, and in TensorBoard."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

from .commands import MODULE, TINY, figures, own_process


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VAE_EXP_DATA", str(tmp_path / "cache"))


def board(run: Path) -> EventAccumulator:
    return EventAccumulator(
        str(run / "tensorboard"), size_guidance={"scalars": 0, "histograms": 0, "images": 0}
    ).Reload()


@pytest.mark.slow
def test_a_run_of_a_sweep_has_the_figures_of_the_run_alone(command, trained):
    # What comes before it leaves a mark on the whole process where it can.
    marks = ("trainer.deterministic=true,false", "seed=1,0")
    done = command("train", "-m", *TINY, *marks, "hydra.sweep.dir=sweep")
    assert done.code == 0, done.err
    found = {run.parent.name: figures(run.parent) for run in Path("sweep").glob("*/metrics.json")}
    assert found["latent_dim-3--beta-1--seed-0--deterministic-false"] == figures(trained)
    assert len({figures["test/nelbo"] for figures in found.values()}) == 2


def test_tensorboard_shows_all_that_is_measured(command):
    done = command(
        "train", *TINY, "hydra.run.dir=run", "trainer.log_every_n_steps=5", "callbacks.pictures.every_n_epochs=1"
    )
    assert done.code == 0, done.err
    seen = board(Path("run"))
    scalars, tags = seen.Tags()["scalars"], seen.Tags()
    training = ("nelbo", "rate", "distortion", "loss", "lr", "beta", "images_per_second", "grad_norm")
    assert {f"train/{name}" for name in training} <= set(scalars)
    assert {f"val/{name}" for name in ("nelbo", "rate", "distortion", "mse", "active_units")} <= set(scalars)
    assert {"reconstructions", "samples", "traversals"} <= set(tags["images"])
    assert "val/kl_per_dim" in tags["histograms"]
    for name in scalars:
        steps = [event.step for event in seen.Scalars(name)]
        assert len(steps) == len(set(steps)), name
        assert all(math.isfinite(event.value) for event in seen.Scalars(name)), name


def sessions(run: Path) -> list[str]:
    plugin = board(run).summary_metadata
    kinds = []
    for tag, metadata in plugin.items():
        if metadata.plugin_data.plugin_name == "hparams":
            data = plugin_data_pb2.HParamsPluginData.FromString(metadata.plugin_data.content)
            kinds.append(f"{tag} {data.WhichOneof('data')}")
    return sorted(kinds)


def test_the_hparams_tab_is_filled_once_with_the_final_figures(trained):
    kinds = [kind.split()[-1] for kind in sessions(trained)]
    assert Counter(kinds) == {"experiment": 1, "session_start_info": 1, "session_end_info": 1}
    seen, final = board(trained), figures(trained)
    for name in ("val/nelbo", "test/nelbo", "test/nll"):
        values = [event.value for event in seen.Scalars(f"hparam/{name}")]
        assert values == [pytest.approx(final[name])]


def test_the_hparams_tab_begins_with_what_the_run_is_called_by(trained):
    contents = [metadata.plugin_data.content for metadata in board(trained).summary_metadata.values()]
    parsed = [plugin_data_pb2.HParamsPluginData.FromString(content) for content in contents if content]
    [experiment] = [data.experiment for data in parsed if data.WhichOneof("data") == "experiment"]
    first = {info.name for info in experiment.hparam_infos if info.differs}
    assert {"model.latent_dim", "loss.beta", "seed"} <= first
    assert "optimizer.lr" in {info.name for info in experiment.hparam_infos} - first


@pytest.mark.slow
def test_a_killed_and_resumed_run_shows_no_step_twice(tmp_path):
    common = ("train", *TINY, "trainer.log_every_n_steps=2", "data.batch_size=32", "hydra.run.dir=run")
    kill = (
        "import os, sys; from vae_exp.training.lit import LitVAE; from vae_exp.cli import main\n"
        "end = LitVAE.on_train_batch_end\n"
        "def hook(self, *a):\n    end(self, *a)\n    self.trainer.global_step == 27 and os._exit(9)\n"
        "LitVAE.on_train_batch_end = hook\nsys.exit(main(sys.argv[1:]))\n"
    )
    (tmp_path / "killed.py").write_text(kill)
    done = own_process(*common, "callbacks.checkpoint.every_n_steps=10", cwd=tmp_path, program=(MODULE[0], "killed.py"))
    assert done.returncode == 9
    done = own_process(*common, "callbacks.checkpoint.every_n_steps=10", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    steps = [event.step for event in board(Path("run")).Scalars("train/nelbo")]
    assert steps == sorted(set(steps))
    assert {2, 20, 22, 26} <= set(steps)
    assert len(board(Path("run")).Scalars("val/nelbo")) == 2
