"""vae-exp augment, and what a run with few labels can be asked."""

from pathlib import Path

import numpy as np
import pytest
import torch

from vae_exp.data.image_folder import image_folder
from vae_exp.data.npz import npz

from .commands import TINY, figures


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VAE_EXP_DATA", str(tmp_path / "cache"))


def test_the_examples_and_new_ones_of_their_classes_are_written(command, run):
    done = command("augment", "run=run", "factor=3", "how=interpolate", "out=more.npz")
    assert done.code == 0, done.err
    splits = npz(path="more.npz")
    count = 1797 - 2 * 180
    x, y = splits["train"].x, splits["train"].y
    assert x.shape == (3 * count, 1, 8, 8)
    assert splits["val"].x.shape == splits["test"].x.shape == (180, 1, 8, 8)
    for part in (y[count : 2 * count], y[2 * count :]):
        assert torch.equal(part.sort().values, y[:count].sort().values)
    assert len(x[:count].unique()) == 17, "the old ones are as they were"
    nearest = torch.cdist(x[count:].flatten(1).float(), x[:count].flatten(1).float()).min(1).values
    assert (nearest > 0).all(), "the new ones are new"


def test_the_seed_decides(command, run):
    made = {}
    for name, seed in (("first", 0), ("again", 0), ("other", 1)):
        torch.manual_seed(len(made))  # what was drawn before does not matter
        words = ("factor=3", f"seed={seed}", f"out={name}.npz")
        done = command("augment", "run=run", *words)
        assert done.code == 0, done.err
        made[name] = npz(path=f"{name}.npz")["train"].x
    assert torch.equal(made["first"], made["again"])
    assert not torch.equal(made["first"], made["other"])


def test_what_has_no_label_is_kept_where_it_is_only_measured(command):
    x = np.random.default_rng(0).integers(0, 256, (60, 8, 8), dtype=np.uint8)
    np.savez("mine.npz", x=x[:40], y=np.arange(40) % 3 - 1, x_val=x[40:50], x_test=x[50:])
    words = [word for word in TINY if not word.startswith(("data=", "trainer.max_epochs"))]
    words += ["data=npz", "trainer.max_epochs=1", "callbacks.pictures=null"]
    assert command("train", *words, "data.path=mine.npz", "hydra.run.dir=mine").code == 0
    done = command("augment", "run=mine", "factor=2", "out=more.npz")
    assert done.code == 0, done.err
    splits = npz(path="more.npz")
    assert torch.equal(splits["val"].x[:, 0], torch.from_numpy(x[40:50]))
    assert (splits["val"].y == -1).all()
    assert len(splits["test"].x) == 10
    assert splits["train"].y.bincount().tolist() == [26, 26]
    done = command("train", *words, "data.path=more.npz", "hydra.run.dir=next")
    assert done.code == 0, done.err


@pytest.mark.slow
def test_a_folder_has_a_subfolder_for_each_class(command, run):
    done = command("augment", "run=run", "factor=2", "format=png", "out=more")
    assert done.code == 0, done.err
    found = image_folder(path="more", size=8, channels=1)["train"]
    assert len(found) == 2 * (1797 - 2 * 180)
    assert found.y.unique().tolist() == list(range(10))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["factor=1"], "factor=1: should be a whole number, at least 2"),
        (["how=sample"], "how=sample needs a model that draws by class"),
        (["format=gif"], "format=gif: should be one of npz, png"),
        (["out=run"], "out=run is there already"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_writes_nothing(command, run, tmp_path, words, sentence):
    before = sorted(path.name for path in run.rglob("*"))
    done = command("augment", "run=run", *words)
    assert done.code == 1
    assert sentence in done.err
    assert sorted(path.name for path in run.rglob("*")) == before
    assert {path.name for path in tmp_path.iterdir()} <= {"run", "cache"}


@pytest.mark.slow
def test_a_run_with_few_labels_from_training_to_pictures_by_class(command):
    words = [word for word in TINY if not word.startswith("model.")]
    small = ["model=m2", "loss=m2", "data.num_labels=100", "trainer.max_epochs=2", "hydra.run.dir=few"]
    done = command("train", *words, *small)
    assert done.code == 0, done.err
    found = figures(Path("few"))
    assert 0 <= found["test/error_rate"] < 0.9
    assert {"test/label_nll", "test/calibration_error", "test/nelbo"} <= found.keys()
    for name, ask, shape in (("a", ["num=4", "label=3"], 4), ("b", ["num=2", "what=classes"], 2 * 11)):
        done = command("sample", "run=few", *ask, "format=npz", f"out={name}.npz")
        assert done.code == 0, done.err
        assert len(np.load(f"{name}.npz")["x"]) == shape
