"""Callbacks that draw and record: what they write, and that a run that goes on has its past."""

import pytest
import pytorch_lightning as pl
import torch
from google.protobuf import text_format
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

from vae_exp.analysis.kl_history import read_history
from vae_exp.build import build_data, build_model, build_module, build_trainer
from vae_exp.training.callbacks import projector
from vae_exp.training.callbacks.projector import sprite

SHORT = ("trainer.limit_train_batches=4", "data.binarize=threshold", "evaluation.num_importance_samples=2")


def prepared(settings):
    pl.seed_everything(0, verbose=False)
    data = build_data(settings)
    return data, build_module(settings, build_model(settings, data.spec)), build_trainer(settings)


@pytest.fixture
def run(settings, tmp_path):
    """Train for some epochs, from a checkpoint if given."""

    def fit(folder, epochs, *more, start=None):
        chosen = settings(*SHORT, f"trainer.max_epochs={epochs}", *more, folder=folder)
        data, module, trainer = prepared(chosen)
        trainer.fit(module, datamodule=data, ckpt_path=start, weights_only=True)
        return data, module, trainer

    return fit


def test_the_record_of_a_run_that_went_on_is_that_of_one_that_never_stopped(run, tmp_path):
    common = ("callbacks.pictures=null", "lr_schedule=constant")
    run("whole", 4, *common)
    whole, last = read_history(tmp_path / "whole"), tmp_path / "parts" / "checkpoints" / "last.ckpt"
    assert whole.steps == [4, 8, 12, 16]
    assert len(whole.nats[0]) == 3
    run("parts", 2, *common)
    early = last.rename(tmp_path / "early.ckpt")
    run("parts", 4, *common, start=early)
    assert read_history(tmp_path / "parts") == whole
    run("parts", 3, *common, start=early)  # what came after the checkpoint is forgotten
    assert read_history(tmp_path / "parts").steps == whole.steps[:3]


@pytest.fixture
def tested(run, tmp_path):
    def test(*more):
        data, module, trainer = run("run", 1, "logger=tensorboard", "callbacks.pictures.every_n_epochs=1", *more)
        trainer.test(module, datamodule=data, verbose=False)
        return data, module, trainer, tmp_path / "run"

    return test


def test_views_are_files_after_a_test_and_images_in_tensorboard_during_training(tested):
    option = "animated_traversals=animated_traversals"
    *_, folder = tested(f"+view@view.{option}", f"+view@callbacks.pictures.during_training.{option}")
    names = {path.name for path in (folder / "images").iterdir()}
    assert {"reconstructions.png", "samples.png", "kl_per_dim.png", "animated_traversals.gif"} <= names
    assert not {"manifold.png", "factor_traversals.png"} & names  # which do not apply
    board = EventAccumulator(str(folder / "tensorboard"), size_guidance={"images": 0}).Reload()
    shown = board.Tags()["images"]
    assert {"reconstructions", "traversals", "animated_traversals"} <= set(shown)
    assert board.Images("animated_traversals")[0].encoded_image_string.startswith(b"GIF89a")
    assert "val/kl_per_dim" in board.Tags()["histograms"]


def test_views_can_be_chosen_one_by_one(tested):
    *_, folder = tested(
        "view=[samples,kl_per_dim,traversals]", "view.traversals=null", "callbacks.pictures.every_n_epochs=0"
    )
    assert {path.name for path in (folder / "images").iterdir()} == {"samples.png", "kl_per_dim.png"}


def test_drawing_changes_nothing(run):
    _, with_pictures, _ = run("a", 2, "callbacks.pictures.every_n_epochs=1", "logger=tensorboard")
    _, without, _ = run("b", 2, "~callbacks.pictures")
    assert with_pictures.model.training == without.model.training
    for a, b in zip(with_pictures.model.parameters(), without.model.parameters(), strict=True):
        assert a.equal(b)


def test_the_projector_finds_points_labels_and_images(tested):
    data, module, trainer, folder = tested("view=none", "callbacks.projector.num=30")
    trainer.test(module, datamodule=data, verbose=False)  # a second time, in the same place
    config = ProjectorConfig()
    text_format.Parse((folder / "tensorboard" / "projector_config.pbtxt").read_text(), config)
    (embedding,) = config.embeddings
    home = folder / "tensorboard"
    points = [[float(v) for v in line.split("\t")] for line in (home / embedding.tensor_path).read_text().splitlines()]
    batch = data.examples("test", 30)
    with torch.no_grad():
        means = module.model.eval().encode(batch["x"]).mean
    torch.testing.assert_close(torch.tensor(points), means, rtol=1e-4, atol=1e-5)
    labels = (home / embedding.metadata_path).read_text().split()
    assert [int(label) for label in labels] == batch["y"].tolist()
    with Image.open(home / embedding.sprite.image_path) as image:
        assert image.size == (6 * 8, 6 * 8)
        assert list(embedding.sprite.single_image_dim) == [8, 8]


def test_without_tensorboard_there_is_nothing_for_the_projector(run, tmp_path):
    data, module, trainer = run("run", 1, "view=none")
    trainer.test(module, datamodule=data, verbose=False)
    assert not (tmp_path / "run" / "tensorboard").exists()


def test_sprites_lie_row_by_row_and_are_made_smaller_where_they_must(monkeypatch):
    images = torch.rand(5, 3, 4, 2)
    picture, size = sprite(images)
    assert (picture.shape, size) == ((3, 12, 6), (4, 2))
    assert picture[:, 4:8, :2].equal(images[3])
    assert (picture[:, 8:] == 1).all()
    monkeypatch.setattr(projector, "LARGEST", 10)
    picture, size = sprite(torch.rand(4, 1, 12, 12))
    assert (picture.shape, size) == ((1, 8, 8), (4, 4))
