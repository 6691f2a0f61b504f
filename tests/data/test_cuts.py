"""Cutting validation and test examples from the training examples."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vae_exp.data.cuts import cut, stratified
from vae_exp.data.table import Table
from vae_exp.errors import UserError


def table(n, classes=3):
    y = torch.arange(n) * classes // n if classes else None
    return Table(torch.zeros(n, 1, 1, 1, dtype=torch.uint8), y)


def indices(parts):
    return {name: part.indices.tolist() for name, part in parts.items()}


def cut_by_tenths(splits, seed=0):
    return cut(splits, val_fraction=0.1, test_fraction=0.1, split_seed=seed)


@given(st.integers(3, 200), st.integers(0, 5), st.integers(0, 3))
def test_parts_are_disjoint_and_complete(n, classes, seed):
    found = indices(cut_by_tenths({"train": table(n, classes)}, seed))
    assert sorted(index for part in found.values() for index in part) == list(range(n))
    assert len(found["val"]) == len(found["test"]) == max(1, round(0.1 * n))


@given(st.lists(st.integers(1, 50), min_size=1, max_size=6), st.floats(0.05, 0.95), st.integers(0, 5))
def test_every_class_has_its_share_to_within_one_example(class_sizes, fraction, seed):
    y = torch.repeat_interleave(torch.arange(len(class_sizes)), torch.tensor(class_sizes))
    count = max(1, round(fraction * len(y)))
    shuffled = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))
    taken, left = stratified(shuffled, y, count)
    assert sorted(torch.cat([taken, left]).tolist()) == list(range(len(y)))
    for label, size in enumerate(class_sizes):
        assert abs(int((y[taken] == label).sum()) - size * count / len(y)) < 1 + 1e-9


def test_the_cut_depends_on_its_seed_alone():
    splits = {"train": table(100)}
    assert indices(cut_by_tenths(splits, 1)) == indices(cut_by_tenths(splits, 1))
    assert indices(cut_by_tenths(splits, 1)) != indices(cut_by_tenths(splits, 2))


def test_the_first_held_out_examples_are_of_several_classes():
    parts = cut_by_tenths({"train": table(1000, 10)})
    assert all(len(set(part.y[:20].tolist())) > 3 for part in parts.values())


def test_splits_that_the_data_set_brings_are_kept_whole():
    found = indices(cut_by_tenths({"train": table(50), "test": table(7)}))
    assert found["test"] == list(range(7))
    assert len(found["val"]) == 5
    found = indices(cut_by_tenths({"train": table(50), "val": table(4), "test": table(7)}))
    assert found["train"] == list(range(50))


def test_a_cut_that_leaves_nothing_to_train_on_is_an_error():
    with pytest.raises(UserError, match=r"data\.val_fraction=0\.5 would take 5 of the 5"):
        cut({"train": table(10)}, val_fraction=0.5, test_fraction=0.5, split_seed=0)
