"""Pictures decoded once."""

import os

import numpy as np
import pytest
import torch
from PIL import Image

from vae_exp.data.cache import in_memory
from vae_exp.data.image_folder import image_folder
from vae_exp.data.pictures import Pictures, stack
from vae_exp.errors import UserError


@pytest.fixture
def folder(tmp_path):
    for i in range(5):
        (tmp_path / "pictures" / str(i % 2)).mkdir(parents=True, exist_ok=True)
        Image.new("L", (6, 6), i * 10).save(tmp_path / "pictures" / str(i % 2) / f"{i}.png")
    return tmp_path / "pictures"


def find(folder, size=4):
    return image_folder(path=str(folder), size=size, channels=1)["train"]


def cached(root):
    return sorted(file.name for file in (root / "cache").iterdir())


def test_the_cache_holds_the_pictures_and_their_labels(folder, tmp_path):
    pictures = find(folder)
    table = in_memory(pictures, root=tmp_path, num_workers=0)
    assert torch.equal(table.x, stack(pictures, range(5)))
    assert table.y.tolist() == pictures.y.tolist() == [0, 0, 0, 1, 1]
    assert len(cached(tmp_path)) == 1  # and no temporary file


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_worker_processes_decode_the_same(folder, tmp_path):
    table = in_memory(find(folder), root=tmp_path, num_workers=2)
    assert torch.equal(table.x, stack(find(folder), range(5)))


def test_the_second_time_nothing_is_decoded(folder, tmp_path):
    first = in_memory(find(folder), root=tmp_path, num_workers=0)
    pictures = find(folder)

    again = Pictures(pictures.name, pictures.files, pictures.y, _Refusing(repr(pictures.decode)), pictures.shape)
    assert torch.equal(in_memory(again, root=tmp_path, num_workers=0).x, first.x)


class _Refusing:
    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return self.text

    def __call__(self, file):
        raise AssertionError("decoded again")


def test_a_change_makes_another_file(folder, tmp_path):
    in_memory(find(folder), root=tmp_path, num_workers=0)
    in_memory(find(folder, size=3), root=tmp_path, num_workers=0)
    assert len(cached(tmp_path)) == 2
    os.utime(folder / "0" / "0.png", (1, 1))
    in_memory(find(folder), root=tmp_path, num_workers=0)
    assert len(cached(tmp_path)) == 3
    Image.new("L", (6, 6), 99).save(folder / "0" / "9.png")
    assert in_memory(find(folder), root=tmp_path, num_workers=0).x.max() == 99
    assert len(cached(tmp_path)) == 4


def test_writing_to_the_table_leaves_the_file_as_it_is(folder, tmp_path):
    in_memory(find(folder), root=tmp_path, num_workers=0).x.fill_(7)
    assert in_memory(find(folder), root=tmp_path, num_workers=0).x.max() == 40


def test_a_failed_decoding_leaves_nothing_behind(folder, tmp_path):
    (folder / "0" / "broken.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"broken\.png"):
        in_memory(find(folder), root=tmp_path, num_workers=0)
    assert cached(tmp_path) == []


def test_a_root_that_cannot_be_written_still_serves(folder, tmp_path, caplog):
    (tmp_path / "file").write_text("no folder can be made below a file")
    table = in_memory(find(folder), root=tmp_path / "file", num_workers=0)
    assert torch.equal(table.x, stack(find(folder), range(5)))
    assert "cannot be written" in caplog.text


def test_a_vanished_picture_is_one_sentence(folder, tmp_path):
    pictures = find(folder)
    pictures.files[2].unlink()
    with pytest.raises(UserError, match="cannot be read"):
        in_memory(pictures, root=tmp_path, num_workers=0)


def test_more_pictures_than_one_block(tmp_path):
    (tmp_path / "many").mkdir()
    for i in range(300):
        Image.fromarray(np.full((1, 1), i % 256, dtype=np.uint8)).save(tmp_path / "many" / f"{i:03}.png")
    table = in_memory(find(tmp_path / "many", size=1), root=tmp_path, num_workers=0)
    assert table.x.flatten().tolist() == [i % 256 for i in range(300)]
