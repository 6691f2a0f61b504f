"""Data sets that torchvision reads, from tiny files in their formats; nothing is downloaded here.

Where torchvision checks a checksum, the test puts that of its own file in the place of the real one.
"""

import hashlib
import pickle
import struct
import zipfile
from urllib.error import URLError

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import datasets

from vae_exp.data.celeba import celeba
from vae_exp.data.omniglot import omniglot
from vae_exp.data.pictures import stack
from vae_exp.data.table import Table
from vae_exp.data.torchvision_sets import cifar10, emnist, fashion_mnist, kmnist, mnist, svhn
from vae_exp.errors import UserError

RANDOM = np.random.default_rng(0)


def md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


def write_idx(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes())


def write_mnist(folder, prefixes=("train", "t10k")):
    arrays = {}
    for n, prefix in zip((5, 3), prefixes, strict=True):
        x, y = RANDOM.integers(0, 256, (n, 28, 28), dtype=np.uint8), np.arange(1, n + 1, dtype=np.uint8)
        write_idx(folder / f"{prefix}-images-idx3-ubyte", x)
        write_idx(folder / f"{prefix}-labels-idx1-ubyte", y)
        arrays[prefix] = x, y
    return arrays


@pytest.mark.parametrize(("dataset", "folder"), [(mnist, "MNIST"), (fashion_mnist, "FashionMNIST"), (kmnist, "KMNIST")])
def test_mnist_and_its_likes_read_their_four_files(tmp_path, dataset, folder):
    arrays = write_mnist(tmp_path / folder / "raw")
    splits = dataset(root=str(tmp_path))
    for split, prefix in (("train", "train"), ("test", "t10k")):
        x, y = arrays[prefix]
        splits[split].check(folder)
        assert np.array_equal(splits[split].x[:, 0].numpy(), x)
        assert splits[split].y.tolist() == y.tolist()


@pytest.mark.parametrize(("split", "first"), [("balanced", 0), ("letters", 1)])
def test_emnist_is_turned_upright_and_counted_from_zero(tmp_path, split, first):
    arrays = write_mnist(tmp_path / "EMNIST" / "raw", (f"emnist-{split}-train", f"emnist-{split}-test"))
    table = emnist(root=str(tmp_path), split=split)["test"]
    x, y = arrays[f"emnist-{split}-test"]
    assert np.array_equal(table.x[:, 0].numpy(), x.transpose(0, 2, 1))
    assert table.y.tolist() == (y.astype(int) - first).tolist()


def test_cifar10(tmp_path, monkeypatch):
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    pixels = RANDOM.integers(0, 256, (2, 3072), dtype=np.uint8)
    names = ["data_batch_1", "test_batch"]
    for name in names:
        (folder / name).write_bytes(pickle.dumps({"data": pixels, "labels": [3, 9]}))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": list("abcdefghij")}))
    train, test = ([[name, md5(folder / name)]] for name in names)
    monkeypatch.setattr(datasets.CIFAR10, "train_list", train)
    monkeypatch.setattr(datasets.CIFAR10, "test_list", test)
    meta = {"filename": "batches.meta", "key": "label_names", "md5": md5(folder / "batches.meta")}
    monkeypatch.setattr(datasets.CIFAR10, "meta", meta)
    splits = cifar10(root=str(tmp_path))
    splits["train"].check("cifar10")
    assert np.array_equal(splits["test"].x.numpy(), pixels.reshape(2, 3, 32, 32))
    assert splits["train"].y.tolist() == [3, 9]


def test_svhn(tmp_path, monkeypatch):
    from scipy.io import savemat

    x = RANDOM.integers(0, 256, (32, 32, 3, 4), dtype=np.uint8)
    files = {}
    for split in ("train", "test"):
        path = tmp_path / f"{split}_32x32.mat"
        savemat(path, {"X": x, "y": np.array([[1], [10], [2], [9]], dtype=np.uint8)})
        files[split] = ["no address", path.name, md5(path)]
    monkeypatch.setattr(datasets.SVHN, "split_list", files)
    table = svhn(root=str(tmp_path))["test"]
    table.check("svhn")
    assert np.array_equal(table.x[1].numpy(), x[..., 1].transpose(2, 0, 1))
    assert table.y.tolist() == [1, 0, 2, 9]


def test_omniglot_is_white_on_black_and_its_test_characters_are_unlabelled(tmp_path, monkeypatch):
    root = tmp_path / "omniglot-py"
    drawing = Image.new("1", (105, 105), 1)
    drawing.paste(0, (0, 0, 105, 52))  # ink in the upper half
    checksums = {}
    for name in ("images_background", "images_evaluation"):
        for character in ("character01", "character02"):
            (root / name / "Greek" / character).mkdir(parents=True)
            drawing.save(root / name / "Greek" / character / "0001_01.png")
        with zipfile.ZipFile(root / f"{name}.zip", "w"):
            pass
        checksums[name] = md5(root / f"{name}.zip")
    monkeypatch.setattr(datasets.Omniglot, "zips_md5", checksums)
    splits = omniglot(root=str(tmp_path), size=28)
    x = stack(splits["train"], [0, 1])
    assert x.shape == (2, 1, 28, 28)
    assert (x[:, :, :13] == 255).all()
    assert (x[:, :, 15:] == 0).all()
    assert splits["train"].y.tolist() == [0, 1]
    assert splits["test"].y.tolist() == [-1, -1]


def test_celeba_keeps_its_official_splits_and_the_middle_of_each_picture(tmp_path, monkeypatch):
    folder = tmp_path / "celeba"
    (folder / "img_align_celeba").mkdir(parents=True)
    names = [f"{i:06}.jpg" for i in range(6)]
    for i, name in enumerate(names):
        picture = Image.new("RGB", (178, 218), (255, 0, 0))
        picture.paste((10 * i,) * 3, (7, 27, 171, 191))  # the central 148 x 148, and what JPEG smears into it
        picture.save(folder / "img_align_celeba" / name, quality=95)
    rows = {"list_eval_partition.txt": [], "identity_CelebA.txt": []}
    rows |= {f"list_{kind}_celeba.txt": ["6", "a b"] for kind in ("bbox", "landmarks_align", "attr")}
    for file, header in rows.items():
        values = [0, 0, 1, 1, 2, 2] if "partition" in file else [1] * 6
        lines = header + [f"{name} {value}" for name, value in zip(names, values, strict=True)]
        (folder / file).write_text("\n".join(lines) + "\n")
    monkeypatch.setattr(datasets.CelebA, "file_list", [("no id", md5(folder / file), file) for file in rows])
    splits = celeba(root=str(tmp_path), size=16)
    assert {name: len(split) for name, split in splits.items()} == {"train": 2, "val": 2, "test": 2}
    x = stack(splits["test"], [0])
    assert x.shape == (1, 3, 16, 16)
    assert (x.int() - 40).abs().max() <= 4


@pytest.fixture
def offline(monkeypatch):
    def refuse(*args, **kwargs):
        raise URLError("no route to host")

    monkeypatch.setattr("torchvision.datasets.utils._urlretrieve", refuse)
    monkeypatch.setattr("torchvision.datasets.utils.gdown", None, raising=False)
    monkeypatch.setattr("torchvision.datasets.celeba.download_file_from_google_drive", refuse)


@pytest.mark.parametrize(
    ("name", "dataset", "options"),
    [
        ("mnist", mnist, {}),
        ("fashion_mnist", fashion_mnist, {}),
        ("kmnist", kmnist, {}),
        ("emnist", emnist, {"split": "balanced"}),
        ("svhn", svhn, {}),
        ("cifar10", cifar10, {}),
        ("omniglot", omniglot, {"size": 28}),
        ("celeba", celeba, {"size": 64}),
    ],
)
@pytest.mark.usefixtures("offline")
def test_missing_files_without_a_network_are_one_sentence(tmp_path, name, dataset, options):
    with pytest.raises(UserError) as caught:
        dataset(root=str(tmp_path), **options)
    sentence = str(caught.value)
    assert sentence.startswith(f"data={name} is not below data.root={tmp_path} and cannot be downloaded")
    assert "network" in sentence
    assert "\n" not in sentence


def test_damaged_files_are_one_sentence(tmp_path):
    raw = tmp_path / "MNIST" / "raw"
    write_mnist(raw)
    images = raw / "train-images-idx3-ubyte"
    images.write_bytes(images.read_bytes()[:-100])
    with pytest.raises(UserError, match=r"data=mnist: the files below .* are damaged .*delete them"):
        mnist(root=str(tmp_path))


def test_tables_own_their_memory_in_order(tmp_path):
    write_mnist(tmp_path / "MNIST" / "raw")
    table = mnist(root=str(tmp_path))["train"]
    assert isinstance(table, Table)
    assert table.x.is_contiguous()
    assert table.x.dtype == torch.uint8


@pytest.mark.usefixtures("offline")
def test_nothing_is_downloaded_to_a_read_only_root(tmp_path):
    (tmp_path / "root").mkdir(mode=0o555)
    with pytest.raises(UserError, match=r"cannot be downloaded \(it is read-only\)"):
        mnist(root=str(tmp_path / "root"))
    assert list((tmp_path / "root").iterdir()) == []
