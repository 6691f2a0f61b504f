"""Laws of the order of examples."""

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from vae_exp.data.order import Order
from vae_exp.errors import UserError

sizes = st.integers(1, 60)
batch_sizes = st.integers(1, 9)
world_sizes = st.integers(1, 5)


def ranks(size, batch_size, world_size, *, shuffle=True, seed=0, epoch=0):
    """The batches of every process, [world_size][num_batches][...]."""
    orders = [
        Order(size=size, batch_size=batch_size, shuffle=shuffle, seed=seed, rank=rank, world_size=world_size)
        for rank in range(world_size)
    ]
    for order in orders:
        order.set_epoch(epoch)
    return [[batch.tolist() for batch in order.batches()] for order in orders]


def global_batches(*args, **kwargs):
    return [[index for part in parts for index in part] for parts in zip(*ranks(*args, **kwargs), strict=True)]


@given(sizes, batch_sizes, world_sizes, st.booleans())
def test_every_example_is_served_once_an_epoch_and_no_batch_is_empty(size, batch_size, world_size, shuffle):
    assume(size >= world_size)
    batches = ranks(size, batch_size, world_size, shuffle=shuffle)
    assert sorted(index for rank in batches for batch in rank for index in batch) == list(range(size))
    assert len({len(rank) for rank in batches}) == 1
    assert all(batch for rank in batches for batch in rank)
    assert len(batches[0]) == len(
        Order(size=size, batch_size=batch_size, shuffle=shuffle, seed=0, world_size=world_size)
    )


@given(sizes, batch_sizes, world_sizes)
def test_processes_see_the_global_batches_of_one_process(size, batch_size, world_size):
    rest = size % (batch_size * world_size)
    assume(size >= world_size and (rest == 0 or rest >= world_size))
    assert global_batches(size, batch_size, world_size) == global_batches(size, batch_size * world_size, 1)


@given(sizes, batch_sizes, world_sizes)
def test_parts_of_a_global_batch_differ_by_one_example_at_most(size, batch_size, world_size):
    assume(size >= world_size)
    for parts in zip(*ranks(size, batch_size, world_size), strict=True):
        lengths = [len(part) for part in parts]
        assert max(lengths) - min(lengths) <= 1


def test_a_rest_smaller_than_the_number_of_processes_joins_the_batch_before():
    assert [len(batch) for batch in global_batches(14, 2, 3)] == [6, 8]


@given(sizes, batch_sizes, world_sizes, st.integers(1, 4))
def test_shares_make_a_mean_over_the_examples_of_a_step(size, batch_size, world_size, together):
    assume(size >= world_size)
    values = torch.arange(size, dtype=torch.float64) ** 2
    batches = ranks(size, batch_size, world_size)
    whole = global_batches(size, batch_size, world_size)
    for first in range(0, len(whole), together):
        step = range(first, min(first + together, len(whole)))
        weighted = 0.0
        for rank in range(world_size):
            order = Order(size=size, batch_size=batch_size, shuffle=True, seed=0, rank=rank, world_size=world_size)
            weighted += sum(order.share(i, step) * values[batches[rank][i]].mean().item() for i in step)
        assert weighted == pytest.approx(values[[n for i in step for n in whole[i]]].mean().item())


def test_order_depends_on_seed_and_epoch_and_on_nothing_else():
    torch.manual_seed(1)
    first = ranks(50, 7, 1, seed=3, epoch=2)
    torch.manual_seed(2)
    assert ranks(50, 7, 1, seed=3, epoch=2) == first
    others = [
        ranks(50, 7, 1, seed=seed, epoch=epoch) for seed, epoch in [(3, 3), (2, 3), (2, 2), (4, 2), (3 + 2**32, 2)]
    ]
    assert all(other != first for other in others)


def test_evaluation_keeps_the_order_of_the_examples():
    assert global_batches(7, 3, 1, shuffle=False, epoch=5) == [[0, 1, 2], [3, 4, 5], [6]]


def test_fewer_examples_than_processes_is_an_error():
    with pytest.raises(UserError, match="2 examples cannot be shared among 3 processes"):
        len(Order(size=2, batch_size=4, shuffle=False, seed=0, rank=0, world_size=3))


def test_rank_and_world_size_are_asked_for_when_they_are_needed(monkeypatch):
    order = Order(size=10, batch_size=2, shuffle=False, seed=0)
    assert len(order) == 5
    monkeypatch.setattr("torch.distributed.is_initialized", lambda: True)
    monkeypatch.setattr("torch.distributed.get_rank", lambda: 1)
    monkeypatch.setattr("torch.distributed.get_world_size", lambda: 2)
    assert [batch.tolist() for batch in order.batches()] == [[2, 3], [6, 7], [9]]
