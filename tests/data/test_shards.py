"""Pictures in tar files: which picture is which, and that the loaders' contracts hold."""

import io
import tarfile

import fsspec
import numpy as np
import pytest
import torch
from PIL import Image

from vae_exp.data.order import Order
from vae_exp.data.shards import expanded, shards
from vae_exp.errors import UserError

from .making import module


def picture(number):
    """A picture of one grey level, by which it is known again."""
    content = io.BytesIO()
    Image.fromarray(np.full((6, 9), number, dtype=np.uint8)).save(content, "PNG")
    return content.getvalue()


def write(file, members):
    with fsspec.open(str(file), "wb") as opened, tarfile.open(fileobj=opened, mode="w") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def example(number):
    return [(f"a/{number:04}.png", picture(number)), (f"a/{number:04}.cls", str(number % 3).encode())]


@pytest.fixture
def folder(tmp_path):
    """Thirty pictures in three files, with other things among them."""
    for shard in range(3):
        extra = [("notes.txt", b"not a picture"), (f"a/{shard}.json", b"{}")]
        write(
            tmp_path / f"train-{shard:02}.tar",
            [m for n in range(10 * shard, 10 * shard + 10) for m in example(n)] + extra,
        )
    return tmp_path


def found(folder, path="train-*.tar", **changes):
    settings = {"val_path": None, "test_path": None, "size": 4, "channels": 1, "root": str(folder / "root")}
    return shards(path=path if "://" in path else str(folder / path), **(settings | changes))


def levels(x):
    return x[:, 0, 0, 0].tolist()


def test_every_picture_is_there_once_with_its_class(folder):
    pictures = found(folder)["train"]
    assert [int(pictures[index][0].max()) for index in range(30)] == list(range(30))
    assert pictures.y.tolist() == [number % 3 for number in range(30)]
    assert pictures.shape == (1, 4, 4)


def test_a_second_look_reads_no_tar_file_and_a_changed_one_is_seen(folder, monkeypatch):
    first = found(folder)["train"]
    with monkeypatch.context() as patched:
        patched.setattr(tarfile, "open", None)
        assert found(folder)["train"].fingerprint() == first.fingerprint()
    write(folder / "train-02.tar", example(77))
    second = found(folder)["train"]
    assert len(second) == 21
    assert second.fingerprint() != first.fingerprint()


def test_splits_of_their_own_and_patterns(folder):
    splits = found(folder, "train-{00..01}.tar", val_path=str(folder / "train-02.tar"))
    assert {name: len(split) for name, split in splits.items()} == {"train": 20, "val": 10}
    assert expanded("s3://bucket/x-{8..10}.tar") == [f"s3://bucket/x-{n}.tar" for n in (8, 9, 10)]


@pytest.mark.parametrize("num_workers", [0, 2])
def test_streamed_pictures_have_the_order_of_held_ones(folder, num_workers):
    def dataset():
        return found(folder)

    held, streamed = (
        module(folder, dataset, memory_limit_gb=limit, num_workers=num_workers).train_dataloader() for limit in (4, 0)
    )
    for epoch in range(2):
        for loader in (held, streamed):
            loader.sampler.set_epoch(epoch)
        for one, other in zip(held, streamed, strict=True):
            assert torch.equal(one["x"], other["x"])
            assert torch.equal(one["y"], other["y"])


def test_processes_share_the_pictures_and_one_goes_on_in_the_middle(folder):
    data = module(folder, lambda: found(folder), memory_limit_gb=0)
    whole = data.train_dataloader()
    batches = list(whole)
    again = data.train_dataloader()
    again.load_state_dict({"epoch": 0, "batches": 1})
    assert [levels(batch["x"]) for batch in again] == [levels(batch["x"]) for batch in batches[1:]]
    seen = []
    for rank in range(2):
        loader = data.train_dataloader()
        loader.sampler = Order(
            size=len(loader.part.indices), batch_size=4, shuffle=True, seed=0, rank=rank, world_size=2
        )
        seen += [level for batch in loader for level in levels(batch["x"])]
    assert sorted(seen) == sorted(level for batch in batches for level in levels(batch["x"]))


@pytest.mark.parametrize("chain", ["memory://", "simplecache::memory://"])
def test_shards_are_read_from_object_storage(tmp_path, chain):
    for shard in range(2):
        write(f"memory://bucket/s-{shard}.tar", [m for n in range(5 * shard, 5 * shard + 5) for m in example(n)])
    pictures = found(tmp_path, f"{chain}bucket/s-*.tar")["train"]
    assert [int(pictures[index][0].max()) for index in range(10)] == list(range(10))


def test_without_classes_there_are_no_labels(tmp_path):
    write(tmp_path / "x.tar", [("one.png", picture(1)), ("two.JPG", picture(2))])
    assert found(tmp_path, "x.tar")["train"].y is None


@pytest.mark.parametrize("content", [b"", b"not a tar file" * 99])
def test_what_cannot_be_read_is_one_sentence(tmp_path, content):
    (tmp_path / "x.tar").write_bytes(content)
    with pytest.raises(UserError, match=r"data\.path.*x\.tar"):
        found(tmp_path, "x.tar")


@pytest.mark.parametrize("path", ["missing.tar", "missing-*.tar"])
def test_missing_shards_are_named(tmp_path, path):
    with pytest.raises(UserError, match=r"data\.path=.*missing"):
        found(tmp_path, path)


def test_a_damaged_picture_is_named_with_its_shard(tmp_path):
    write(tmp_path / "x.tar", [("one.png", picture(1)[:40])])
    with pytest.raises(UserError, match=r"x\.tar \(at byte 512\)"):
        found(tmp_path, "x.tar")["train"][0]


@pytest.mark.parametrize("number", range(1, 20, 3))
def test_a_tar_file_that_breaks_off_is_not_taken_for_a_short_one(tmp_path, number):
    """At the end of a member, in a header or in a picture."""
    write(tmp_path / "x.tar", [m for n in range(5) for m in example(n)])
    content = (tmp_path / "x.tar").read_bytes()
    (tmp_path / "x.tar").write_bytes(content[: 512 * number + 100 * (number % 2)])
    with pytest.raises(UserError, match=r"data\.path.*x\.tar cannot be read"):
        found(tmp_path, "x.tar")
