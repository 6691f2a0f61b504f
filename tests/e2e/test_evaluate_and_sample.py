"""What is done with a finished run: the command's verbs, and the library."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vae_exp import load_run
from vae_exp.analysis.likelihood import importance_nll
from vae_exp.cli import finished, image_files
from vae_exp.errors import UserError

from .commands import TINY, figures


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VAE_EXP_DATA", str(tmp_path / "cache"))


@pytest.fixture
def succeed(command):
    def give(*words: str) -> str:
        done = command(*words)
        assert done.code == 0, done.err
        return done.err

    return give


def test_an_evaluation_finds_the_figures_of_the_training(succeed, run):
    before = figures(run)
    (run / "metrics.json").write_text(json.dumps({"val/nelbo": before["val/nelbo"], "mine": 1}))
    succeed("evaluate", "run=run", "evaluation.num_importance_samples=5")
    after = figures(run)
    assert after.pop("mine") == 1
    assert after == {name: value for name, value in before.items() if name in after}
    assert {name for name in before if name.startswith("test/")} <= after.keys()


def test_more_importance_samples_tighten_the_bound(succeed, run):
    before = figures(run)
    succeed("evaluate", "run=run", "evaluation.num_importance_samples=300", "evaluation.rows=700")
    after = figures(run)
    assert after["test/nll"] <= before["test/nll"] + before["test/nll/se"]
    assert after["test/nll"] <= after["test/nelbo"]
    assert after["test/nelbo"] == before["test/nelbo"]


def test_data_without_factors_have_no_disentanglement_scores(command, run):
    before = figures(run)
    done = command("evaluate", "run=run", "metrics=disentanglement")
    assert done.code == 1
    assert "needs ground-truth factors, which this data set does not have" in done.err
    assert "Traceback" not in done.err
    assert figures(run) == before


def test_a_sample_as_arrays_is_data_of_its_own(succeed, run):
    succeed("sample", "run=run", "num=37", "batch_size=10", "format=npz", "out=made.npz")
    with np.load("made.npz") as made:
        assert made["x"].shape == (37, 8, 8)
    succeed("train", *TINY, "data=npz", "data.path=made.npz", "hydra.run.dir=next")
    assert np.isfinite(figures(Path("next"))["test/nelbo_bce"])


def test_a_sample_as_pictures_is_data_of_its_own(succeed, run):
    succeed("sample", "run=run", "num=37", "batch_size=10", "format=png", "out=made")
    names = sorted(path.name for path in Path("made").iterdir())
    assert names == [f"{number:06d}.png" for number in range(37)]
    mine = ("data=image_folder", "data.path=made", "data.size=8", "data.channels=1", "data.num_workers=0")
    succeed("train", *TINY, *mine, "hydra.run.dir=next")


def test_the_formats_hold_the_same_images(succeed, run):
    for form, out in (("npz", "a.npz"), ("png", "a"), ("grid", "a.png")):
        succeed("sample", "run=run", "num=4", f"format={form}", f"out={out}")
    with np.load("a.npz") as made:
        for number, x in enumerate(made["x"]):
            assert (np.array(Image.open(f"a/{number:06d}.png")) == x).all()
    with Image.open("a.png") as grid:
        assert grid.size == (2 * 56 + 6, 2 * 56 + 6)


def drawn(succeed, *words: str) -> np.ndarray:
    Path("x.npz").unlink(missing_ok=True)
    succeed("sample", "run=run", "num=6", "format=npz", "out=x.npz", *words)
    with np.load("x.npz") as made:
        return made["x"]


def test_the_seed_decides(succeed, run):
    first, again, other = drawn(succeed), drawn(succeed, "seed=0"), drawn(succeed, "seed=1")
    assert (first == again).all()
    assert (first != other).any()
    assert len(np.unique(first, axis=0)) == 6


def test_at_temperature_zero_all_images_are_one(succeed, run):
    assert len(np.unique(drawn(succeed, "temperature=0"), axis=0)) == 1


def test_a_fitted_density_is_kept_and_drawn_again_without_data(succeed, run, monkeypatch):
    words = ("sampler=gaussian_mixture", "sampler.num_components=3")
    first = drawn(succeed, *words)
    assert (run / "samplers" / "gaussian_mixture.pt").is_file()
    monkeypatch.setattr(finished, "build_data", None)
    assert (drawn(succeed, *words) == first).all()
    assert (drawn(succeed) != first).any()
    assert len(np.unique(drawn(succeed, *words, "temperature=0"), axis=0)) <= 3


def test_pixels_can_be_drawn(succeed, run):
    assert set(np.unique(drawn(succeed, "what.pixels=sample"))) == {0, 255}


@pytest.mark.parametrize(
    ("words", "shape"),
    [
        (("what=reconstruct", "num=5", "batch_size=2"), (10, 8, 8)),
        (("what=interpolate", "num=3", "batch_size=2", "what.steps=4"), (12, 8, 8)),
        (("what=interpolate", "num=2", "what.steps=3", "what.path=spherical"), (6, 8, 8)),
        (("what=traverse", "num=9", "what.steps=5"), (15, 8, 8)),
    ],
)
def test_other_pictures(succeed, run, words, shape):
    succeed("sample", "run=run", *words, "format=npz", "out=x.npz")
    with np.load("x.npz") as made:
        assert made["x"].shape == shape


def test_an_evaluation_draws_the_views_that_are_asked_for(succeed, run):
    for picture in (run / "images").iterdir():
        picture.unlink()
    succeed(
        "evaluate",
        "run=run",
        "view=nearest_training",
        "view.nearest_training.num=3",
        "evaluation.num_importance_samples=2",
    )
    assert [picture.name for picture in (run / "images").iterdir()] == ["nearest_training.png"]
    tensors = (run / "tensorboard" / "projector" / "tensors.tsv").read_text().splitlines()
    assert len(tensors) > 100
    assert (run / "tensorboard" / "projector_config.pbtxt").read_text().count("embeddings") == 1


def test_views_name_latents_with_their_kl_though_it_is_not_measured_again(succeed, run):
    picture = run / "images" / "traversals.png"
    before, figures = picture.read_bytes(), (run / "metrics.json").read_bytes()
    picture.unlink()
    succeed("evaluate", "run=run", "metrics=[]", "view=traversals")
    assert (picture.read_bytes(), (run / "metrics.json").read_bytes()) == (before, figures)


@pytest.mark.parametrize("form", ["grid", "png", "npz"])
def test_an_interrupted_sample_leaves_nothing(command, run, tmp_path, monkeypatch, form):
    real, count = image_files.torch.Tensor.clamp, 0

    def interrupted(*args, **options):
        nonlocal count
        count += 1
        if count > 2:
            raise KeyboardInterrupt
        return real(*args, **options)

    before = sorted(tmp_path.rglob("*"))
    monkeypatch.setattr(torch.Tensor, "clamp", interrupted)
    done = command("sample", "run=run", "num=20", "batch_size=2", f"format={form}", "out=x")
    assert done.code == 130
    assert sorted(tmp_path.rglob("*")) == before


def test_a_run_is_a_library(run):
    (run / "metrics.json").unlink()
    loaded = load_run(run)
    x = torch.rand(4, 1, 8, 8).round()
    q = loaded.encode(x)
    assert q.mean.shape == (4, 3)
    p = loaded.decode(q.mean)
    assert p.mean.shape == (4, 1, 8, 8)
    assert loaded.decode(torch.zeros(2, 5, 3)).mean.shape == (2, 5, 1, 8, 8)
    assert loaded.sample(7, temperature=0.5).mean.shape == (7, 1, 8, 8)
    nats = loaded.log_prob(x, num_samples=10)
    assert nats.shape == (4,)
    assert (nats < 0).all()
    torch.manual_seed(3)
    deep = loaded.log_prob(x)
    torch.manual_seed(3)
    depth = loaded.settings["evaluation"]
    torch.testing.assert_close(
        deep, -importance_nll(loaded.model, {"x": x}, num_samples=depth["num_importance_samples"], rows=depth["rows"])
    )
    assert not any(t.requires_grad for t in (q.mean, p.mean, nats))
    assert not loaded.model.training
    for wrong in (torch.rand(4, 64), torch.ones(4, 1, 8, 8, dtype=torch.uint8), x + 0.1, x - 0.1, x / 0):
        with pytest.raises(UserError, match=r"^x: .*should be"):
            loaded.log_prob(wrong)
        with pytest.raises(UserError, match=r"^x: .*should be"):
            loaded.encode(wrong)
    with pytest.raises(UserError, match=r"num_samples=0.*at least 1"):
        loaded.log_prob(x, num_samples=0)


def test_an_autoencoder_has_no_density(command, tmp_path):
    brief = (*TINY, "logger=none", "view=none", "metrics=[elbo]", "trainer.max_epochs=1", "hydra.run.dir=ae")
    done = command("train", *brief, "model/posterior=delta", "loss=ae")
    assert done.code == 0, done.err
    with pytest.raises(UserError, match="has no density"):
        load_run("ae").log_prob(torch.rand(2, 1, 8, 8))
