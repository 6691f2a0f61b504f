"""The data module as a whole, without a trainer."""

import pickle
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image

from vae_exp.data.image_folder import image_folder
from vae_exp.data.npz import npz
from vae_exp.data.table import Table
from vae_exp.errors import UserError
from vae_exp.types import DataSpec

from .making import grey, module


def folder_of_pictures(tmp_path):
    for i in range(12):
        (tmp_path / "pictures" / str(i % 2)).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (6, 9), (i * 20, 0, 255)).save(tmp_path / "pictures" / str(i % 2) / f"{i}.png")
    return partial(image_folder, path=str(tmp_path / "pictures"), size=4, channels=3)


def xs(loader):
    return torch.cat([batch["x"] for batch in loader])


@pytest.mark.parametrize(
    ("dtype", "binarize", "values"),
    [
        (torch.uint8, "none", "levels"),
        (torch.float32, "none", "unit_interval"),
        (torch.uint8, "dynamic", "binary"),
        (torch.float32, "threshold", "binary"),
        (torch.float32, "static", "binary"),
    ],
)
def test_spec_says_what_prepared_batches_hold(tmp_path, dtype, binarize, values):
    made = module(tmp_path, partial(grey, dtype=dtype), binarize=binarize)
    assert made.spec == DataSpec(x_shape=(1, 5, 3), values=values, train_size=32, num_classes=4)
    for loader in (made.train_dataloader(), made.val_dataloader(), made.test_dataloader()):
        for batch in loader:
            x = made.prepare(batch, train=True)["x"]
            assert x.dtype == torch.float32
            assert x.shape[1:] == (1, 5, 3)
            assert values != "binary" or set(x.unique().tolist()) <= {0, 1}


def test_every_example_is_in_one_part_and_evaluation_repeats_none(tmp_path):
    made = module(tmp_path)
    parts = [xs(made.train_dataloader()), xs(made.val_dataloader()), xs(made.test_dataloader())]
    everything = torch.cat(parts).flatten(1)
    assert [len(part) for part in parts] == [32, 4, 4]
    assert len(everything.unique(dim=0)) == 40


def test_static_binarisation_is_the_same_in_every_run_and_epoch_whatever_the_seed(tmp_path):
    first, second = module(tmp_path, binarize="static"), module(tmp_path, binarize="static", seed=7)
    assert torch.equal(first.examples("test", 4)["x"], second.examples("test", 4)["x"])
    assert torch.equal(first.examples("test", 4)["x"], first.examples("test", 4)["x"])
    third = module(tmp_path, binarize="static", split_seed=1)
    assert not torch.equal(first.examples("test", 4)["x"], third.examples("test", 4)["x"])


def test_dynamic_binarisation_differs_from_time_to_time(tmp_path):
    torch.manual_seed(0)
    made = module(tmp_path, binarize="dynamic")
    assert not torch.equal(made.examples("train", 4)["x"], made.examples("train", 4)["x"])


def test_only_training_batches_are_flipped(tmp_path):
    torch.manual_seed(0)
    made = module(tmp_path, flip=True)
    batch = next(iter(made.train_dataloader()))
    plain = made.prepare(batch, train=False)["x"]
    flipped = made.prepare(batch, train=True)["x"]
    assert torch.equal(plain, batch["x"] / 255)
    assert not torch.equal(flipped, plain)
    assert torch.equal(flipped.sort(-1).values, plain.sort(-1).values)


def test_preparing_leaves_the_stored_pictures_alone(tmp_path):
    made = module(tmp_path, partial(grey, dtype=torch.float32))
    before = xs(made.test_dataloader())
    for batch in made.test_dataloader():
        made.prepare(batch, train=False)["x"].zero_()
    assert torch.equal(xs(made.test_dataloader()), before)


def test_setup_loads_once(tmp_path):
    calls = []

    def counted():
        calls.append(1)
        return grey()

    made = module(tmp_path, counted)
    made.setup("fit")
    made.setup("test")
    assert len(calls) == 1


def test_pictures_in_memory_and_streamed_are_the_same(tmp_path):
    dataset = folder_of_pictures(tmp_path)
    cached, streamed = module(tmp_path, dataset), module(tmp_path, dataset, memory_limit_gb=0)
    assert cached.spec == streamed.spec == DataSpec((3, 4, 4), "levels", 10, 2)
    assert len(list((tmp_path / "root" / "cache").iterdir())) == 1
    for name in ("train_dataloader", "val_dataloader", "test_dataloader"):
        one, other = list(getattr(cached, name)()), list(getattr(streamed, name)())
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert torch.equal(a["x"], b["x"])
            assert torch.equal(a["y"], b["y"])
    assert torch.equal(cached.examples("val", 1)["x"], streamed.examples("val", 1)["x"])


def test_colour_arrays_of_odd_size(tmp_path):
    np.savez(tmp_path / "data.npz", x=np.random.default_rng(0).random((20, 7, 11, 3)))
    made = module(tmp_path, partial(npz, path=str(tmp_path / "data.npz")))
    assert made.spec == DataSpec((3, 7, 11), "unit_interval", 16, 0)
    assert made.examples("val", 100)["x"].shape == (2, 3, 7, 11)
    assert set(next(iter(made.train_dataloader()))) == {"x"}


def test_a_class_of_the_test_examples_alone_is_counted(tmp_path):
    def labelled():
        train = grey()["train"]
        y = torch.arange(len(train.x)) % 3
        return {"train": Table(train.x, y), "test": Table(train.x, y + 4)}

    assert module(tmp_path, labelled).spec.num_classes == 7


def test_a_root_that_cannot_be_written_is_no_obstacle(tmp_path):
    (tmp_path / "file").write_text("no folder can be made below a file")
    assert module(tmp_path, root=str(tmp_path / "file" / "root")).spec.train_size == 32


def test_a_read_only_root_is_no_obstacle_and_is_left_as_it_is_even_by_the_superuser(tmp_path):
    (tmp_path / "root").mkdir(mode=0o555)
    assert module(tmp_path).spec.train_size == 32
    assert module(tmp_path, folder_of_pictures(tmp_path)).spec.train_size == 10
    assert list((tmp_path / "root").iterdir()) == []


def test_a_module_that_has_been_set_up_can_be_pickled(tmp_path):
    made = pickle.loads(pickle.dumps(module(tmp_path)))
    assert made.spec.train_size == 32


@pytest.mark.parametrize(
    ("dataset", "changes", "sentence"),
    [
        (lambda: {"train": Table(torch.full((9, 1, 2, 2), 2.0), None)}, {}, "data: the train split.* lies in"),
        (lambda: {**grey(), "test": grey(shape=(1, 9, 9))["train"]}, {}, "they must agree"),
        (lambda: {**grey(), "test": grey(dtype=torch.float32)["train"]}, {}, "they must agree"),
        (partial(grey, n=2), {}, r"data\.val_fraction"),
        (lambda: {"train": Table(grey()["train"].x, torch.arange(1, 41))}, {}, "the label 40, which is no"),
    ],
)
def test_unfit_data_are_one_sentence(tmp_path, dataset, changes, sentence):
    with pytest.raises(UserError, match=sentence) as caught:
        module(tmp_path, dataset, **changes)
    assert "\n" not in str(caught.value)


def test_static_binarisation_of_what_is_not_in_memory_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match=r"data\.binarize=static needs the data in memory"):
        module(tmp_path, folder_of_pictures(tmp_path), binarize="static", memory_limit_gb=0)
