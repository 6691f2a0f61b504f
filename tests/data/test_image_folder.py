"""Folders of pictures: any size, any mode, any disorder."""

import numpy as np
import pytest
import torch
from PIL import Image

from vae_exp.data.image_folder import image_folder
from vae_exp.errors import UserError

# The same middle grey in every mode that cameras, scanners and drawing programs write.
PICTURES = {
    "grey.png": Image.new("L", (20, 30), 128),
    "bits.png": Image.new("1", (20, 30), 1),
    "colour.jpg": Image.new("RGB", (40, 17), (128, 128, 128)),
    "alpha.png": Image.new("RGBA", (33, 33), (128, 128, 128, 255)),
    "grey_alpha.png": Image.new("LA", (33, 8), (128, 255)),
    "palette.gif": Image.new("RGB", (9, 9), (128, 128, 128)).quantize(4),
    "sixteen.png": Image.fromarray(np.full((12, 14), 128 * 257, dtype=np.uint16)),
    "print.jpg": Image.new("CMYK", (25, 25), (0, 0, 0, 127)),
    "tiny.webp": Image.new("RGB", (1, 1), (128, 128, 128)),
    "scan.tiff": Image.fromarray(np.full((12, 14), 128 * 257, dtype=np.uint16)),
}


@pytest.fixture
def folder(tmp_path):
    for name, picture in PICTURES.items():
        picture.save(tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("channels", [1, 3])
def test_any_size_and_mode_is_decoded_to_the_same_grey(folder, channels):
    pictures = image_folder(path=str(folder), size=8, channels=channels)["train"]
    assert len(pictures) == len(PICTURES)
    assert pictures.y is None
    for file, (x, label) in zip(pictures.files, (pictures[i] for i in range(len(pictures))), strict=True):
        assert label == -1
        assert x.dtype == torch.uint8
        assert x.shape == pictures.shape == (channels, 8, 8)
        grey = 255 if file.name == "bits.png" else 128
        assert (x.int() - grey).abs().max() <= 3, file.name


def test_subfolders_of_the_first_level_are_classes(tmp_path):
    names = ["cat/a.png", "cat/deep/b.PNG", "dog/c.png", "dog/notes.txt", "empty/notes.txt", ".hidden/d.png", "e.png"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("txt"):
            (tmp_path / name).write_text("not a picture")
        else:
            Image.new("L", (4, 4)).save(tmp_path / name)
    pictures = image_folder(path=str(tmp_path), size=4, channels=1)["train"]
    found = {file.name: int(label) for file, label in zip(pictures.files, pictures.y, strict=True)}
    assert found == {"a.png": 0, "b.PNG": 0, "c.png": 1, "e.png": -1}


def test_the_centre_is_cut_out(tmp_path):
    wide = np.zeros((10, 30), dtype=np.uint8)
    wide[:, 10:20] = 200
    Image.fromarray(wide).save(tmp_path / "wide.png")
    x, _ = image_folder(path=str(tmp_path), size=10, channels=1)["train"][0]
    assert (x == 200).all()


def test_scaling_is_antialiased(tmp_path):
    board = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)
    Image.fromarray(board).save(tmp_path / "board.png")
    x, _ = image_folder(path=str(tmp_path), size=8, channels=1)["train"][0]
    assert (x.int() - 128).abs().max() <= 10  # without it, a chessboard stays black and white


def test_transparent_parts_are_shown_on_white(tmp_path):
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    x, _ = image_folder(path=str(tmp_path), size=4, channels=3)["train"][0]
    assert (x == 255).all()


@pytest.mark.parametrize("content", [b"", b"not a picture", "half"])
def test_an_unreadable_picture_is_named(folder, content):
    if content == "half":
        whole = folder / "noise.png"
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 50), dtype=np.uint8)).save(whole)
        content = whole.read_bytes()[:1500]
    (folder / "broken.png").write_bytes(content)
    pictures = image_folder(path=str(folder), size=8, channels=1)["train"]
    index = [file.name for file in pictures.files].index("broken.png")
    with pytest.raises(UserError, match=r"the picture .*broken\.png cannot be read") as caught:
        pictures[index]
    assert "\n" not in str(caught.value)


def test_missing_and_empty_folders_are_one_sentence(tmp_path):
    with pytest.raises(UserError, match=r"data\.path=.*gone is not a folder"):
        image_folder(path=str(tmp_path / "gone"), size=8, channels=1)
    (tmp_path / "notes.txt").write_text("nothing to see")
    with pytest.raises(UserError, match="holds no picture files"):
        image_folder(path=str(tmp_path), size=8, channels=1)
