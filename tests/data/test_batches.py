"""The loader: what it serves, that it can go on where it stopped, and that it leaves the random state alone."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vae_exp.data.batches import Batches
from vae_exp.data.cuts import Part
from vae_exp.data.order import Order
from vae_exp.data.pictures import Pictures
from vae_exp.data.table import Table
from vae_exp.errors import UserError


@dataclass(frozen=True)
class Numbered:
    """Decodes the "file" 7 to a picture of sevens."""

    broken: int = -1

    def __call__(self, file):
        if int(str(file)) == self.broken:
            raise UserError(f"the picture {file} cannot be read")
        return torch.full((1, 2, 2), int(str(file)), dtype=torch.uint8)


def table(n, *, labels=True):
    x = torch.arange(n, dtype=torch.uint8)[:, None, None, None].expand(n, 1, 2, 2).contiguous()
    return Table(x, torch.arange(n) if labels else None)


def pictures(n, *, labels=True, broken=-1):
    files = [Path(str(i)) for i in range(n)]
    return Pictures("numbered", files, torch.arange(n) if labels else None, Numbered(broken), (1, 2, 2))


def loader(source, n, *, batch_size=4, num_workers=0, shuffle=True):
    order = Order(size=n, batch_size=batch_size, shuffle=shuffle, seed=5)
    return Batches(part=Part(source, torch.arange(n)), order=order, num_workers=num_workers)


def epoch(batches, number):
    """One epoch as Lightning runs it: the iterator is asked for before the epoch is set."""
    iterator = iter(batches)
    batches.sampler.set_epoch(number)
    return [batch["y"].tolist() for batch in iterator]


@pytest.mark.parametrize("make", [table, pictures])
def test_a_batch_holds_the_examples_of_its_indices(make):
    batches = list(loader(make(10), 10))
    assert [len(batch["x"]) for batch in batches] == [4, 4, 2]
    for batch in batches:
        assert batch["x"].dtype == torch.uint8
        assert batch["x"][:, 0, 0, 0].tolist() == batch["y"].tolist()
    assert sorted(label for batch in batches for label in batch["y"].tolist()) == list(range(10))


@pytest.mark.parametrize("make", [table, pictures])
def test_without_labels_there_is_no_y(make):
    assert [set(batch) for batch in loader(make(3, labels=False), 3)] == [{"x"}]


def test_streaming_serves_what_memory_serves():
    assert epoch(loader(pictures(10), 10, num_workers=0), 3) == epoch(loader(table(10), 10), 3)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_worker_processes_serve_what_one_process_serves_and_can_resume():
    expected = epoch(loader(pictures(10), 10), 1)
    assert epoch(loader(pictures(10), 10, num_workers=2), 1) == expected
    resumed = loader(pictures(10), 10, num_workers=2)
    resumed.load_state_dict({"epoch": 1, "batches": 1})
    assert epoch(resumed, 1) == expected[1:]


@given(st.integers(1, 40), st.integers(1, 7), st.integers(0, 40), st.sampled_from([table, pictures]))
def test_resuming_at_any_batch_serves_what_was_left(n, batch_size, stop, make):
    whole = loader(make(n), n, batch_size=batch_size)
    expected, later = epoch(whole, 2), epoch(whole, 3)
    stop = min(stop, len(whole))
    interrupted = loader(make(n), n, batch_size=batch_size)
    interrupted.sampler.set_epoch(2)
    iterator = iter(interrupted)
    for _ in range(stop):
        next(iterator)
    resumed = loader(make(n), n, batch_size=batch_size)
    resumed.load_state_dict(interrupted.state_dict())
    left = expected[stop:] if interrupted.state_dict()["epoch"] == 2 and stop < len(whole) else expected
    assert epoch(resumed, 2) == left
    assert epoch(resumed, 3) == later


def test_another_epoch_than_the_stored_one_starts_at_its_beginning():
    batches = loader(table(10), 10)
    batches.load_state_dict({"epoch": 1, "batches": 2})
    assert len(epoch(batches, 2)) == 3
    assert len(epoch(batches, 1)) == 3


def test_the_state_is_kept_until_the_first_batch_is_asked_for():
    batches = loader(table(10), 10)
    batches.load_state_dict({"epoch": 1, "batches": 2})
    iter(batches), iter(batches)
    assert batches.state_dict() == {"epoch": 1, "batches": 2}
    assert len(epoch(batches, 1)) == 1


def test_the_state_counts_what_was_handed_out_and_is_plain():
    batches = loader(table(10), 10)
    batches.sampler.set_epoch(4)
    iterator = iter(batches)
    next(iterator), next(iterator)
    assert batches.state_dict() == {"epoch": 4, "batches": 2}
    assert all(type(value) is int for value in batches.state_dict().values())


@pytest.mark.parametrize("make", [table, pictures])
def test_iteration_leaves_the_global_random_state_alone(make):
    before = torch.get_rng_state()
    assert len(list(loader(make(10), 10))) == 3
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("num_workers", [0, 1])
def test_a_broken_picture_is_one_sentence_even_from_a_worker(num_workers):
    with pytest.raises(UserError) as caught:
        list(loader(pictures(10, broken=7), 10, num_workers=num_workers))
    assert str(caught.value) == "the picture 7 cannot be read"
