"""A few labelled examples among many unlabelled ones: which they are, and how they get into every batch."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy

import torch
from torch import Tensor

from vae_exp.data.cuts import Part, stratified
from vae_exp.data.order import Order, permuted
from vae_exp.data.splits import Split
from vae_exp.errors import UserError
from vae_exp.types import Count


def keep_labels(part: Part, num_labels: Count, split_seed: int) -> Part:
    """Keep the labels of some examples of a part, of every class its share to within one, and hide the others.

    Args:
        part: The training examples.
        num_labels: Labels that are kept.
        split_seed: Seed of the choice.

    Returns:
        The same examples, the labelled ones first; y = -1 for the others.

    Raises:
        UserError: There are no labels, or too few to leave one of each class and some examples without.
    """
    y = part.y
    if y is None or not (y >= 0).any():
        raise UserError(f"data.num_labels={num_labels} needs labels, and this data set has none; use null")
    known, classes = part.indices[y >= 0], len(y[y >= 0].unique())
    if not classes <= num_labels < len(part.indices) or num_labels > len(known):
        most = min(len(part.indices) - 1, len(known))
        raise UserError(
            f"data.num_labels={num_labels}: should be from {classes}, the number of classes, to {most}; null keeps all"
        )
    # As is done for the cuts: shuffled first, so that the choice within a class is a random one.
    shuffled = known[torch.randperm(len(known), generator=torch.Generator().manual_seed(split_seed))]
    labelled, _ = stratified(shuffled, part.source.y, num_labels)
    unlabelled = part.indices[~torch.isin(part.indices, labelled)]
    return Part(_with_labels_of(part.source, labelled), torch.cat((labelled, unlabelled)))


def _with_labels_of(source: Split, labelled: Tensor) -> Split:
    assert source.y is not None
    found = copy(source)
    found.y = torch.full_like(source.y, -1)
    found.y[labelled] = source.y[labelled]
    return found


class WithLabelled(Order):
    """The order of the unlabelled examples, with labelled ones at the head of every batch.

    An epoch is one pass through the unlabelled examples. The labelled ones are gone through as often as that takes, in
    a new order each time, and each process takes its own `labelled_batch_size` of them for each batch. All is a pure
    function of (seed, epoch), as in `Order`. The numbers of the labelled examples come before those of the others, as
    `keep_labels` has it.

    Args:
        order: Order of the unlabelled examples.
        num_labels: Number of labelled examples.
        labelled_batch_size: Labelled examples in a batch of one process.
    """

    def __init__(self, order: Order, *, num_labels: Count, labelled_batch_size: Count) -> None:
        super().__init__(
            size=order.size,
            batch_size=order.batch_size,
            shuffle=order.shuffle,
            seed=order.seed,
            rank=order._rank,
            world_size=order._world_size,
        )
        self.num_labels, self.labelled_batch_size = num_labels, labelled_batch_size

    def batches(self, first: int = 0) -> Iterator[Tensor]:
        for batch_idx, unlabelled in enumerate(super().batches(first), start=first):
            yield torch.cat((self._labelled(batch_idx), self.num_labels + unlabelled))

    def counts(self, batch_idx: int) -> tuple[int, int]:
        local, count = super().counts(batch_idx)
        return local + self.labelled_batch_size, count + self.labelled_batch_size * self.world_size

    def _labelled(self, batch_idx: int) -> Tensor:
        """Numbers of the labelled examples of this process's batch, [labelled_batch_size]."""
        start = (batch_idx * self.world_size + self.rank) * self.labelled_batch_size
        places = torch.arange(start, start + self.labelled_batch_size)
        rounds, places = places // self.num_labels, places % self.num_labels
        found = torch.empty_like(places)
        for number in rounds.unique().tolist():
            chosen = rounds == number
            found[chosen] = permuted(self.num_labels, self.seed, self.epoch, 1 + number)[places[chosen]]
        return found
