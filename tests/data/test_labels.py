"""Laws of the few labels: which examples keep theirs, and how they get into every batch."""

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from vae_exp.data.labels import WithLabelled
from vae_exp.data.order import Order
from vae_exp.data.table import Table
from vae_exp.errors import UserError

from .making import grey, module


def labels(loader):
    return torch.cat([batch["y"] for batch in loader])


def test_so_many_labels_are_kept_of_every_class_its_share(tmp_path):
    made = module(tmp_path, num_labels=10)
    y = made.examples("train", 1000)["y"]
    assert len(y) == 32
    assert (y >= 0).sum() == 10
    assert sorted(y[y >= 0].bincount().tolist()) == [2, 2, 3, 3]
    assert (y[:10] >= 0).all()
    assert made.spec.num_classes == 4
    assert made.spec.train_size == 32


def test_kept_labels_are_the_right_ones(tmp_path):
    everything, few = module(tmp_path).examples("train", 100), module(tmp_path, num_labels=10).examples("train", 100)
    known = {tuple(x.flatten().tolist()): int(y) for x, y in zip(everything["x"], everything["y"], strict=True)}
    assert len(known) == 32
    for x, y in zip(few["x"], few["y"], strict=True):
        assert int(y) in (known[tuple(x.flatten().tolist())], -1)


def test_validation_and_test_keep_all_labels_and_examples(tmp_path):
    everything, few = module(tmp_path), module(tmp_path, num_labels=10)
    for split in ("val", "test"):
        for key in ("x", "y"):
            assert torch.equal(everything.examples(split, 100)[key], few.examples(split, 100)[key])


def test_the_choice_is_that_of_the_split_seed(tmp_path):
    def chosen(**seeds):
        return module(tmp_path, num_labels=10, **seeds).examples("train", 10)["x"].flatten(1).sum(1).sort().values

    assert torch.equal(chosen(), chosen(seed=3))
    assert not torch.equal(chosen(), chosen(split_seed=3))


@pytest.mark.parametrize("num_labels", [3, 32, 1000])
def test_a_number_of_labels_that_cannot_be_is_refused(tmp_path, num_labels):
    with pytest.raises(UserError, match=rf"data\.num_labels={num_labels}: should be from 4, .* to 31"):
        module(tmp_path, num_labels=num_labels)


def test_data_without_labels_are_refused(tmp_path):
    with pytest.raises(UserError, match="this data set has none"):
        module(tmp_path, lambda: {"train": Table(grey()["train"].x, None)}, num_labels=10)


def test_every_batch_has_its_share_of_labelled_examples(tmp_path):
    made = module(tmp_path, num_labels=10, labelled_batch_size=3)
    for epoch in range(3):
        loader = made.train_dataloader()
        loader.sampler.set_epoch(epoch)
        assert [int((batch["y"] >= 0).sum()) for batch in loader] == [3, 3, 3]
        assert [int((batch["y"] < 0).sum()) for batch in loader] == [8, 8, 6]


# The order alone, for any number of processes

sizes, batches, worlds = st.integers(1, 40), st.integers(1, 7), st.integers(1, 4)


def served(size, batch_size, num_labels, labelled, world_size, *, epoch=0, first=0, seed=0):
    """Numbers of each process's batches."""
    found = []
    for rank in range(world_size):
        order = Order(size=size, batch_size=batch_size, shuffle=True, seed=seed, rank=rank, world_size=world_size)
        mixed = WithLabelled(order, num_labels=num_labels, labelled_batch_size=labelled)
        mixed.set_epoch(epoch)
        found.append([batch.tolist() for batch in mixed.batches(first)])
        assert len(mixed) == first + len(found[-1])
    return found


@given(sizes, batches, st.integers(1, 12), batches, worlds)
@settings(max_examples=50, deadline=None)
def test_an_epoch_serves_each_unlabelled_once_and_the_labelled_in_turn(
    size, batch_size, num_labels, labelled, world_size
):
    assume(size >= world_size)
    numbers = served(size, batch_size, num_labels, labelled, world_size)
    flat = [n for rank in numbers for batch in rank for n in batch]
    assert sorted(n for n in flat if n >= num_labels) == list(range(num_labels, num_labels + size))
    for rank in numbers:
        assert all(sum(n < num_labels for n in batch) == labelled for batch in rank)
    counts = torch.tensor([n for n in flat if n < num_labels]).bincount(minlength=num_labels)
    assert counts.max() - counts.min() <= 1


@given(sizes, batches, st.integers(1, 12), batches, worlds, st.integers(0, 3))
@settings(max_examples=30, deadline=None)
def test_an_epoch_can_go_on_in_its_middle(size, batch_size, num_labels, labelled, world_size, epoch):
    assume(size >= world_size)
    given_ = (size, batch_size, num_labels, labelled, world_size)
    whole = served(*given_, epoch=epoch)
    first = len(whole[0]) // 2
    assert served(*given_, epoch=epoch, first=first) == [rank[first:] for rank in whole]


def test_epochs_and_seeds_have_orders_of_their_own():
    given_ = (20, 4, 10, 2, 1)
    orders = [served(*given_), served(*given_, epoch=1), served(*given_, seed=1)]
    labelled = [[n for batch in order[0] for n in batch if n < 10] for order in orders]
    assert orders[0] == served(*given_)
    assert len({tuple(numbers) for numbers in labelled}) == 3


@given(sizes, batches, batches, worlds)
@settings(max_examples=30, deadline=None)
def test_shares_make_the_mean_over_processes_that_over_examples(size, batch_size, labelled, world_size):
    assume(size >= world_size)
    value = torch.randn(5 + size, dtype=torch.float64)
    numbers = served(size, batch_size, 5, labelled, world_size)
    for index in range(len(numbers[0])):
        local = [value[rank[index]].mean() for rank in numbers]
        shares = []
        for rank in range(world_size):
            order = Order(size=size, batch_size=batch_size, shuffle=True, seed=0, rank=rank, world_size=world_size)
            shares.append(WithLabelled(order, num_labels=5, labelled_batch_size=labelled).share(index, [index]))
        mean = sum(s * m for s, m in zip(shares, local, strict=True))
        everything = torch.cat([value[rank[index]] for rank in numbers]).mean()
        torch.testing.assert_close(mean, everything)
