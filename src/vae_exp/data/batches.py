"""The loader that Lightning is handed."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from vae_exp.data.cuts import Part
from vae_exp.data.order import Order
from vae_exp.data.pictures import Pictures
from vae_exp.data.streaming import stream
from vae_exp.types import Batch, CountOrZero


class Batches:
    """Batches of a part of a data set, held, streamed or still to be drawn, that can go on in the middle of an epoch.

    Lightning asks for an iterator before it sets the epoch: nothing is decided before the first batch is asked for.
    Nothing here touches the global random state.

    Args:
        part: The examples.
        order: Their order, by their places in the part's indices.
        num_workers: Processes that decode pictures; what is in memory needs none.
    """

    batch_sampler = None  # Lightning reads it from whatever has a sampler

    def __init__(self, *, part: Part, order: Order, num_workers: CountOrZero) -> None:
        self.part = part
        self.sampler = order  # by this name Lightning finds what to call set_epoch on
        self.num_workers = num_workers
        self._epoch = 0
        self._batches = 0
        self._resume = False

    def __len__(self) -> int:
        return len(self.sampler)

    def __iter__(self) -> Iterator[Batch]:
        first = self._first()
        self._epoch, self._batches, self._resume = self.sampler.epoch, first, False
        epoch = self._epoch
        indices = (self.part.indices.index_select(0, chosen) for chosen in self.sampler.batches(first))
        batches = self._stream(indices) if isinstance(self.part.source, Pictures) else self._gather(indices)
        for done, batch in enumerate(batches, start=first + 1):
            self._epoch, self._batches = epoch, done
            yield batch

    def state_dict(self) -> dict[str, int]:
        """Tell the epoch, and how many of its batches have been handed out to the process that trains."""
        return {"epoch": self._epoch, "batches": self._batches}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Let the next iteration of the stored epoch begin behind the batches that were handed out."""
        self._epoch, self._batches = state["epoch"], state["batches"]
        self._resume = True

    def _first(self) -> int:
        same_epoch = self._resume and self.sampler.epoch == self._epoch
        return self._batches if same_epoch and self._batches < len(self) else 0

    def _gather(self, batches: Iterator[Tensor]) -> Iterator[Batch]:
        for indices in batches:
            yield self.part.source.rows(indices)

    def _stream(self, batches: Iterator[Tensor]) -> Iterator[Batch]:
        source = self.part.source
        assert isinstance(source, Pictures)
        chosen = [indices.tolist() for indices in batches]
        for indices, x in zip(chosen, stream(source, chosen, num_workers=self.num_workers), strict=True):
            batch: Batch = {"x": x}
            if source.y is not None:
                batch["y"] = source.y[indices]
            yield batch
