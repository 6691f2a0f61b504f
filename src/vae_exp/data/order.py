"""The order in which examples are served: which examples are in which batch of which process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
import torch.distributed
from torch import Tensor

from vae_exp.errors import UserError
from vae_exp.types import Count, CountOrZero


class Order:
    """The order of the examples, a pure function of (seed, epoch), shared fairly among processes.

    A global batch is world_size * batch_size consecutive entries of the epoch's permutation, of which each process
    takes a contiguous part. The last one may be short, and is then divided as evenly as possible; where it has fewer
    examples than there are processes it is joined to the one before. So every example is served exactly once an
    epoch, every process has the same number of batches, and no batch is empty.

    Args:
        size: Number of examples.
        batch_size: Examples in a batch of one process.
        shuffle: Whether to permute the examples anew each epoch.
        seed: Seed of the permutations.
        rank: Number of this process; None to ask torch.distributed when it is needed.
        world_size: Number of processes; None to ask torch.distributed when it is needed.
    """

    def __init__(
        self,
        *,
        size: Count,
        batch_size: Count,
        shuffle: bool,
        seed: CountOrZero,
        rank: CountOrZero | None = None,
        world_size: Count | None = None,
    ) -> None:
        self.size = size
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self.epoch = 0
        self._rank = rank
        self._world_size = world_size

    @property
    def rank(self) -> int:
        """Number of this process."""
        return self._rank if self._rank is not None else _rank_and_world_size()[0]

    @property
    def world_size(self) -> int:
        """Number of processes."""
        return self._world_size if self._world_size is not None else _rank_and_world_size()[1]

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch; Lightning calls it before each."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Count the batches of each process.

        Raises:
            UserError: There are fewer examples than processes.
        """
        if self.size < self.world_size:
            raise UserError(
                f"{self.size} examples cannot be shared among {self.world_size} processes; "
                "use fewer devices or more data"
            )
        full, rest = divmod(self.size, self._global_batch_size)
        return full + (full == 0 or rest >= self.world_size)

    def permutation(self) -> Tensor:
        """Order of all examples in this epoch, [size] int64."""
        if not self.shuffle:
            return torch.arange(self.size)
        return permuted(self.size, self.seed, self.epoch)

    def batches(self, first: int = 0) -> Iterator[Tensor]:
        """Yield the indices of each of this process's batches in this epoch, from batch `first` on, each [B] int64."""
        permutation, rank, world_size = self.permutation(), self.rank, self.world_size
        last, size = len(self) - 1, self._global_batch_size
        for start in range(first * size, (last + 1) * size, size):
            count = self.size - start if start == last * size else size
            yield permutation[start + count * rank // world_size : start + count * (rank + 1) // world_size]

    def counts(self, batch_idx: int) -> tuple[int, int]:
        """Examples of this process's part of a batch, and of the whole of it."""
        rank, world_size = self.rank, self.world_size
        size = self._global_batch_size
        count = self.size - batch_idx * size if batch_idx == len(self) - 1 else size
        return count * (rank + 1) // world_size - count * rank // world_size, count

    def share(self, batch_idx: int, step: Sequence[int]) -> float:
        """The part that this process's examples of a batch are of all examples of the batches of a step, in (0, 1].

        The sum over processes and batches of share * (mean over the local batch) is the mean over all those examples.
        """
        return self.counts(batch_idx)[0] / sum(self.counts(other)[1] for other in step)

    @property
    def _global_batch_size(self) -> int:
        return self.batch_size * self.world_size


def permuted(size: int, *seeds: int) -> Tensor:
    """A permutation of 0 .. size - 1, a pure function of the seeds; [size] int64."""
    # torch's generator uses 32 bits of its seed, so that several numbers must be mixed into them
    seed = np.random.SeedSequence(seeds).generate_state(1)[0]
    return torch.randperm(size, generator=torch.Generator().manual_seed(int(seed)))


def _rank_and_world_size() -> tuple[int, int]:
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    return 0, 1
