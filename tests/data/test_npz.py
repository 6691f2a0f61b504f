"""Arrays of one's own."""

import numpy as np
import pytest
import torch

from vae_exp.data.npz import npz
from vae_exp.errors import UserError

RANDOM = np.random.default_rng(0)


def save(folder, **arrays):
    np.savez(folder / "data.npz", **arrays)
    return str(folder / "data.npz")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((5, 7, 3), (5, 1, 7, 3)),
        ((5, 9, 7, 3), (5, 3, 9, 7)),
        ((5, 3, 9, 7), (5, 3, 9, 7)),
        ((5, 1, 28, 4), (5, 1, 28, 4)),
    ],
)
def test_layouts(tmp_path, given, expected):
    x = RANDOM.integers(0, 256, given, dtype=np.uint8)
    table = npz(path=save(tmp_path, x=x))["train"]
    table.check("npz")
    assert table.x.shape == expected
    assert table.y is None
    moved = x.transpose(0, 3, 1, 2) if given == (5, 9, 7, 3) else x
    assert np.array_equal(table.x.numpy(), moved.reshape(expected))


def test_floats_labels_and_further_splits(tmp_path):
    arrays = {"x": RANDOM.random((4, 5, 5)), "y": np.arange(4, dtype=np.uint8), "x_test": RANDOM.random((2, 5, 5))}
    splits = npz(path=save(tmp_path, **arrays, unrelated=np.array(["text"])))
    assert set(splits) == {"train", "test"}
    assert splits["train"].x.dtype == torch.float32
    assert splits["train"].y.dtype == torch.int64
    assert splits["test"].y is None


class Explosive:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was loaded",))


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"images": np.zeros((2, 3, 3))}, "has no array x, only images"),
        ({"x": np.zeros((2, 3))}, r"shape \[2, 3\]"),
        ({"x": np.zeros((2, 9, 9, 9))}, "1 to 4 channels"),
        ({"x": np.zeros((2, 3, 3), dtype=np.int64)}, "type int64"),
        ({"x": np.ones((2, 3, 3), dtype=np.uint8)}, "no value above 1"),
        ({"x": np.array([Explosive()], dtype=object)}, "array x cannot be read"),
        ({"x": np.zeros((2, 3, 3)), "y": np.zeros(2)}, "labels must be integers"),
    ],
)
def test_bad_arrays_are_one_sentence(tmp_path, arrays, sentence):
    with pytest.raises(UserError, match=sentence) as caught:
        npz(path=save(tmp_path, **arrays))
    assert "\n" not in str(caught.value)
    assert "data.path=" in str(caught.value)


def test_files_that_are_no_npz(tmp_path):
    with pytest.raises(UserError, match="is not a file"):
        npz(path=str(tmp_path / "gone.npz"))
    with pytest.raises(UserError, match="is not a file"):
        npz(path=str(tmp_path))
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(UserError, match=r"is no \.npz file"):
        npz(path=str(tmp_path / "text.npz"))
    np.save(tmp_path / "single.npy", np.zeros((2, 3, 3)))
    with pytest.raises(UserError, match=r"is no \.npz file"):
        npz(path=str(tmp_path / "single.npy"))


def test_a_damaged_archive_is_one_sentence(tmp_path):
    path = tmp_path / "data.npz"
    np.savez(path, x=RANDOM.random((50, 9, 9)))
    damaged = bytearray(path.read_bytes())
    damaged[5000:5100] = bytes(100)
    path.write_bytes(damaged)
    with pytest.raises(UserError, match="cannot be read"):
        npz(path=str(path))
