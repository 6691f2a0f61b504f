"""Data sets with known factors that are read from published files: small ones of the same formats, written here."""

import gzip
import sys
from functools import partial

import numpy as np
import pytest
import torch
from scipy.io import savemat
from torch.nn import functional as F

from vae_exp.data.cars3d import cars3d
from vae_exp.data.dsprites import dsprites
from vae_exp.data.factors import to_factors
from vae_exp.data.mpi3d import mpi3d
from vae_exp.data.shapes3d import shapes3d
from vae_exp.data.smallnorb import PREFIXES, smallnorb
from vae_exp.errors import UserError

from .making import module, to_index

RANDOM = np.random.default_rng(0)
WITH_FILES = {"dsprites": dsprites, "mpi3d": mpi3d, "shapes3d": shapes3d}
WITH_FOLDERS = {"cars3d": partial(cars3d, size=8), "smallnorb": partial(smallnorb, size=8)}


def levels(*shape):
    return RANDOM.integers(0, 256, shape, dtype=np.uint8)


def read(tmp_path, dataset, path):
    return dataset(path=str(path), root=str(tmp_path / "root"))


def scaled(x, size):
    return F.interpolate(torch.from_numpy(x).float(), (size, size), mode="bilinear", antialias=True).round()


# dSprites


class Explosive:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was loaded",))


def save_dsprites(path, n=50, **changes):
    sizes = (1, 3, 6, 40, 32, 32)
    classes = np.stack([RANDOM.integers(0, size, n) for size in sizes], 1)
    arrays = {"imgs": RANDOM.integers(0, 2, (n, 6, 6), dtype=np.uint8), "latents_classes": classes} | changes
    np.savez_compressed(path, metadata=np.array(Explosive(), dtype=object), latents_values=classes / 2.0, **arrays)
    return arrays


def test_dsprites(tmp_path):
    arrays = save_dsprites(tmp_path / "d.npz")
    made = module(tmp_path, partial(dsprites, path=str(tmp_path / "d.npz"), root=str(tmp_path / "root")))
    assert made.spec.factor_names == ("shape", "scale", "orientation", "x", "y")
    assert made.spec.factor_sizes == (3, 6, 40, 32, 32)
    table = made._parts["train"].source
    assert np.array_equal(table.x[:, 0].numpy(), 255 * arrays["imgs"])
    assert np.array_equal(table.factors.values.numpy(), arrays["latents_classes"][:, 1:])
    assert np.array_equal(table.y.numpy(), arrays["latents_classes"][:, 1])
    batch = made.examples("test", 5)
    for x, factors in zip(batch["x"][:, 0].numpy(), batch["factors"].numpy(), strict=True):
        same = (arrays["latents_classes"][:, 1:] == factors).all(1) & (arrays["imgs"] == x).all((1, 2))
        assert same.any()


def test_unpacked_once_and_again_when_the_file_is_another(tmp_path, monkeypatch):
    save_dsprites(tmp_path / "d.npz")
    first = read(tmp_path, dsprites, tmp_path / "d.npz")["train"]
    with monkeypatch.context() as patched:
        patched.setattr("vae_exp.data.cache._write", lambda *_: pytest.fail("unpacked again"))
        again = read(tmp_path, dsprites, tmp_path / "d.npz")["train"]
    assert torch.equal(first.x, again.x)
    arrays = save_dsprites(tmp_path / "d.npz", n=51)
    assert np.array_equal(read(tmp_path, dsprites, tmp_path / "d.npz")["train"].x[:, 0], 255 * arrays["imgs"])


def test_a_root_that_cannot_be_written_means_memory(tmp_path, caplog):
    arrays = save_dsprites(tmp_path / "d.npz")
    (tmp_path / "root").mkdir(mode=0o555)
    table = read(tmp_path, dsprites, tmp_path / "d.npz")["train"]
    assert np.array_equal(table.x[:, 0], 255 * arrays["imgs"])
    assert "cannot be written" in caplog.text


# MPI3D


def test_mpi3d_in_the_order_of_its_factors(tmp_path):
    n = 4 * 4 * 2 * 3 * 3 * 40 * 40
    images = np.arange(n * 3, dtype=np.uint32).astype(np.uint8).reshape(n, 1, 1, 3)
    np.savez(tmp_path / "m.npz", images=images)
    table = read(tmp_path, mpi3d, tmp_path / "m.npz")["train"]
    assert table.factors.sizes == (4, 4, 2, 3, 3, 40, 40)
    assert np.array_equal(table.x[..., 0, 0].numpy(), images[:, 0, 0])
    assert table.factors.values[[1, 40, -1]].tolist() == [[0] * 6 + [1], [0] * 5 + [1, 0], [3, 3, 1, 2, 2, 39, 39]]
    assert torch.equal(table.y, table.factors.values[:, 1])


def test_a_part_of_mpi3d_is_one_sentence(tmp_path):
    np.savez(tmp_path / "m.npz", images=levels(10, 4, 4, 3))
    with pytest.raises(UserError, match="has 10 pictures, MPI3D 1036800 or 460800"):
        read(tmp_path, mpi3d, tmp_path / "m.npz")


# 3D Shapes


def test_shapes3d(tmp_path):
    h5py = pytest.importorskip("h5py")
    sizes = (10, 10, 10, 8, 4, 15)
    numbers = np.stack([RANDOM.permutation(np.arange(120) % size) for size in sizes], 1)
    ends = ((0, 0.9), (0, 0.9), (0, 0.9), (0.75, 1.25), (0, 3), (-30, 30))
    values = [np.linspace(*end, size)[column] for end, size, column in zip(ends, sizes, numbers.T, strict=True)]
    images = levels(120, 5, 5, 3)
    with h5py.File(tmp_path / "s.h5", "w") as file:
        file["images"], file["labels"] = images, np.stack(values, 1)
    table = read(tmp_path, shapes3d, tmp_path / "s.h5")["train"]
    assert np.array_equal(table.x.numpy(), images.transpose(0, 3, 1, 2))
    assert np.array_equal(table.factors.values.numpy(), numbers)
    assert table.factors.sizes == sizes
    assert np.array_equal(table.y.numpy(), numbers[:, 4])


def test_without_h5py_it_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    (tmp_path / "s.h5").write_text("")
    with pytest.raises(UserError, match=r"needs the package h5py; `pip install 'vae_exp\[shapes3d\]'`"):
        read(tmp_path, shapes3d, tmp_path / "s.h5")


# Cars3D


def test_cars3d(tmp_path):
    cars = [levels(16, 16, 3, 24, 4) for _ in range(3)]
    (tmp_path / "cars").mkdir()
    for number, im in enumerate(cars):
        savemat(tmp_path / "cars" / f"car_{number:03}_mesh.mat", {"im": im})
    (table,) = read(tmp_path, WITH_FOLDERS["cars3d"], tmp_path / "cars").values()
    assert table.factors.names == ("elevation", "azimuth", "object")
    assert table.factors.sizes == (4, 24, 3)
    assert torch.equal(to_index(table.factors.values, (4, 24, 3)).sort().values, torch.arange(288))
    for row in (0, 1, 5, 100, 287):
        elevation, azimuth, car = table.factors.values[row].tolist()
        expected = scaled(cars[car][None, :, :, :, azimuth, elevation].transpose(0, 3, 1, 2), 8)
        assert torch.equal(table.x[row].float(), expected[0])
        assert table.y[row] == car


@pytest.mark.parametrize("im", [levels(4, 4, 3, 4, 24), RANDOM.random((4, 4, 3, 24, 4))])
def test_a_file_of_another_shape_or_type_is_one_sentence(tmp_path, im):
    savemat(tmp_path / "car.mat", {"im": im})
    with pytest.raises(UserError, match=r"car\.mat cannot be read \(im is"):
        read(tmp_path, WITH_FOLDERS["cars3d"], tmp_path)


def test_a_folder_without_cars_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match=r"183 \.mat files .*has no \.mat files"):
        read(tmp_path, WITH_FOLDERS["cars3d"], tmp_path)


# Small NORB


def save_norb(folder, prefix, n, *, packed):
    magic = {np.dtype(np.uint8): 0x1E3D4C55, np.dtype(np.int32): 0x1E3D4C54}
    factors = np.stack([RANDOM.integers(0, size, n) for size in (5, 9, 18, 6)], 1).astype(np.int32)
    toy = RANDOM.integers(0, 10, n, dtype=np.int32)
    info = np.stack((toy, factors[:, 1], 2 * factors[:, 2], factors[:, 3]), 1)
    arrays = {"dat": levels(n, 2, 12, 12), "cat": factors[:, 0].copy(), "info": info}
    for kind, array in arrays.items():
        lengths = [*array.shape, *[1] * (3 - array.ndim)]
        data = np.array([magic[array.dtype], array.ndim, *lengths], dtype="<i4").tobytes() + array.tobytes()
        name = folder / f"{prefix}-{kind}.mat"
        if packed:
            name.with_suffix(".mat.gz").write_bytes(gzip.compress(data))
        else:
            name.write_bytes(data)
    return arrays["dat"], factors


def test_smallnorb_packed_or_not(tmp_path):
    saved = {
        "train": save_norb(tmp_path, PREFIXES["train"], 30, packed=True),
        "test": save_norb(tmp_path, PREFIXES["test"], 20, packed=False),
    }
    made = module(tmp_path, partial(WITH_FOLDERS["smallnorb"], path=str(tmp_path), root=str(tmp_path / "root")))
    for split, (pairs, factors) in saved.items():
        table = made._parts[split].source
        assert torch.equal(table.x.float(), scaled(pairs[:, :1], 8))
        assert np.array_equal(table.factors.values.numpy(), factors)
        assert np.array_equal(table.y.numpy(), factors[:, 0])
    assert made.spec.factor_names == ("category", "elevation", "azimuth", "lighting")


# What is missing or damaged


@pytest.mark.parametrize(("name", "dataset"), [*WITH_FILES.items(), *WITH_FOLDERS.items()])
def test_a_missing_file_is_one_sentence_that_says_where_it_comes_from(tmp_path, name, dataset):
    with pytest.raises(UserError, match=f"data={name} needs .*http.*data.path=.*gone is not there") as caught:
        read(tmp_path, dataset, tmp_path / "gone")
    assert "\n" not in str(caught.value)


def test_one_missing_file_of_smallnorb_is_one_sentence(tmp_path):
    save_norb(tmp_path, PREFIXES["train"], 3, packed=False)
    with pytest.raises(UserError, match=r"http.*testing-dat\.mat is not there"):
        read(tmp_path, WITH_FOLDERS["smallnorb"], tmp_path)


@pytest.mark.parametrize(("name", "dataset"), WITH_FILES.items())
def test_a_file_that_is_no_such_file_is_one_sentence(tmp_path, name, dataset):
    if name == "shapes3d":
        pytest.importorskip("h5py")
    (tmp_path / "file").write_text("no archive")
    with pytest.raises(UserError, match=f"data={name}: .*cannot be read"):
        read(tmp_path, dataset, tmp_path / "file")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"imgs": np.array([Explosive()] * 50, dtype=object)}, "not of plain numbers"),
        ({"latents_classes": np.zeros(50)}, "d.npz cannot be read"),
    ],
)
def test_other_arrays_are_one_sentence(tmp_path, changes, sentence):
    save_dsprites(tmp_path / "d.npz", **changes)
    with pytest.raises(UserError, match=sentence):
        read(tmp_path, dsprites, tmp_path / "d.npz")


def test_a_missing_array_is_one_sentence(tmp_path):
    np.savez(tmp_path / "d.npz", images=levels(3, 2, 2))
    with pytest.raises(UserError, match="has no array latents_classes"):
        read(tmp_path, dsprites, tmp_path / "d.npz")


def test_a_damaged_file_is_one_sentence_and_leaves_nothing_behind(tmp_path):
    save_norb(tmp_path, PREFIXES["train"], 5, packed=False)
    save_norb(tmp_path, PREFIXES["test"], 5, packed=False)
    dat = tmp_path / f"{PREFIXES['train']}-dat.mat"
    dat.write_bytes(dat.read_bytes()[:-100])
    with pytest.raises(UserError, match=r"training-dat\.mat cannot be read .*download it again"):
        read(tmp_path, WITH_FOLDERS["smallnorb"], tmp_path)
    assert list((tmp_path / "root" / "cache").iterdir()) == []


def test_numbers_outside_the_factors_sizes_are_one_sentence(tmp_path):
    save_dsprites(tmp_path / "d.npz", latents_classes=np.full((50, 6), 3))
    with pytest.raises(UserError, match=r"the factor shape lies in 3\.\.3"):
        module(tmp_path, partial(dsprites, path=str(tmp_path / "d.npz"), root=str(tmp_path / "root")))


def test_the_grids_order_is_that_of_numpy():
    assert np.array_equal(
        to_factors(torch.arange(24), (2, 3, 4)).numpy(), np.stack(np.unravel_index(np.arange(24), (2, 3, 4)), 1)
    )
