"""The data sets that come with packages."""

import time

import pytest
import torch

from vae_exp.data.digits import digits
from vae_exp.data.mnist_5k import mnist_5k
from vae_exp.data.packaged import packaged_csv
from vae_exp.errors import UserError


def test_mnist_5k_is_500_upright_digits_of_each_class_read_fast():
    start = time.perf_counter()
    train = mnist_5k()["train"]
    assert time.perf_counter() - start < 5  # 0.2 s on a machine that is not busy
    train.check("mnist_5k")
    assert train.x.shape == (5000, 1, 28, 28)
    assert train.x.dtype == torch.uint8
    assert train.x.max() == 255
    assert torch.bincount(train.y).tolist() == [500] * 10
    ones = train.x[train.y == 1].double().mean((0, 1))  # a one is tall: its rows are lit, most of its columns are not
    assert (ones.sum(1) > 200).sum() > (ones.sum(0) > 200).sum()


def test_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    bunch = load_digits()
    train = digits()["train"]
    train.check("digits")
    assert torch.equal(train.x[:, 0], torch.from_numpy(bunch.images / 16 * 255).round().to(torch.uint8))
    assert torch.equal(train.y, torch.from_numpy(bunch.target).long())


def test_a_missing_package_is_one_sentence():
    with pytest.raises(UserError, match=r"data=gone is the file x\.csv of the package no_such_package"):
        packaged_csv("gone", package="no_such_package", file="x.csv")
