"""The mean of gradients over the processes of one machine, by way of memory that they share."""

from __future__ import annotations

import os
import platform
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
import torch
import torch.distributed as dist
from pytorch_lightning.strategies import DDPStrategy
from torch import Tensor, nn

FOLDER = Path("/dev/shm")
"""Files in it are memory."""

LINE = 8
"""Numbers of 8 bytes in a line of a processor's cache: two processes do not write to the same one."""

YIELDS = 1000
"""How often a process gives way to others before it sleeps between its looks."""

NAP = 1e-4
"""Seconds of such a sleep."""

NAPS = 10_000
"""Sleeps after which it asks whether the others still live."""


class Exchange:
    """Makes the gradients of each process the mean over all, the same numbers in each.

    torch sends them over a network connection to itself, which with a small network takes longer than the rest of the
    step. Here a process writes its own where all can read them, counts itself up, waits until all have counted, and
    adds up what all have written. Even and odd steps have memory of their own: whoever writes the next step's
    gradients leaves alone what others still read, and nobody can be two steps ahead.

    A weight with no gradient in some of the processes has one of 0 there; with none in all of them it has none.

    Args:
        weights: What has gradients, in the same order in all processes.
        memory: uint8, of `size_of(weights, processes)` bytes, all 0, shared by all processes.
        rank: Which of them this is.
        pids: The identifiers of all of them by rank.
    """

    def __init__(self, weights: Sequence[nn.Parameter], memory: Tensor, rank: int, pids: Sequence[int]) -> None:
        self._weights, self._rank, self._pids = weights, rank, pids
        head = 8 * LINE * len(pids)
        # In order: a process's numbers are seen before its count, which x86 promises and other processors do not.
        self._counts: np.ndarray = memory[:head].numpy().view(np.int64)[::LINE]
        self._rows = memory[head:].view(torch.float32).view(2, len(pids), -1)
        self._mine = [self._views(rows[rank]) for rows in self._rows]
        self._there = len(weights)  # numbers at the end of a row: 1 for each weight that has a gradient
        self._mean = torch.empty_like(self._rows[0, 0])
        self._means = self._views(self._mean)
        self._count = 0

    def __call__(self) -> None:
        """Take the mean of the gradients; all processes do.

        Raises:
            RuntimeError: Another process has ended meanwhile.
        """
        half = self._count % 2
        self._write(self._rows[half, self._rank], self._mine[half])
        self._count += 1
        self._counts[self._rank] = self._count
        self._wait()
        first, second, *others = self._rows[half]
        torch.add(first, second, out=self._mean)  # in the order of the ranks, in each of them
        for row in others:
            self._mean.add_(row)
        there: list[float] = self._mean[-self._there :].tolist()
        for weight, mean, found in zip(self._weights, self._means, there, strict=True):
            weight.grad = mean if found else None

    def _write(self, row: Tensor, views: list[Tensor]) -> None:
        row[-self._there :] = torch.tensor([float(weight.grad is not None) for weight in self._weights])
        share = 1 / len(self._pids)
        for weight, view in zip(self._weights, views, strict=True):
            if weight.grad is None:
                view.zero_()
            else:
                torch.mul(weight.grad, share, out=view)

    def _wait(self) -> None:
        looks = 0
        while self._counts.min() < self._count:
            looks += 1
            if looks < YIELDS:
                os.sched_yield()
                continue
            time.sleep(NAP)
            if looks % NAPS == 0:
                self._ask()

    def _ask(self) -> None:
        for rank, pid in enumerate(self._pids):
            try:
                os.kill(pid, 0)  # sends nothing
            except ProcessLookupError as error:
                raise RuntimeError(f"process {rank} of {len(self._pids)} has ended, and the others wait") from error

    def _views(self, row: Tensor) -> list[Tensor]:
        """The parts of a row as the weights, each laid out in memory as its weight is."""
        parts = row.split([*(weight.numel() for weight in self._weights), len(self._weights)])
        pairs = zip(self._weights, parts, strict=False)
        return [part.as_strided(weight.shape, weight.stride(), part.storage_offset()) for weight, part in pairs]


def size_of(weights: Sequence[nn.Parameter], processes: int) -> int:
    """Bytes that an `Exchange` needs."""
    return 8 * LINE * processes + 4 * 2 * processes * sum(weight.numel() + 1 for weight in weights)


def exchange_of(trainer: pl.Trainer, module: nn.Module) -> Exchange | None:
    """An exchange of the gradients of a module; None where torch's own is needed. All processes ask.

    That is where some are on other machines or on graphics cards, where a forward pass changes what a checkpoint
    holds, such as the statistics of batch norm, which torch keeps alike in all; and where there is no memory for it.
    """
    strategy, weights = trainer.strategy, [w for w in module.parameters() if w.requires_grad]
    here = type(strategy) is DDPStrategy and 1 < trainer.world_size == strategy.num_processes
    fit = here and strategy.root_device.type == "cpu" and platform.machine() in ("x86_64", "AMD64")
    changing = module.state_dict().keys() - dict(module.named_parameters()).keys()
    if not fit or changing or {weight.dtype for weight in weights} != {torch.float32}:
        return None
    memory = _shared(size_of(weights, trainer.world_size), trainer)
    if memory is None:
        return None
    pids: list[int] = [0] * trainer.world_size
    dist.all_gather_object(pids, os.getpid())
    return Exchange(weights, memory, trainer.global_rank, pids)


def _shared(size: int, trainer: pl.Trainer) -> Tensor | None:
    """Memory that all processes have, all 0; nothing of it stays behind. None where one of them cannot have it."""
    file = _reserved(size) if trainer.global_rank == 0 else None
    file = trainer.strategy.broadcast(file)
    try:
        memory = None if file is None else torch.from_numpy(np.memmap(file, np.uint8, "r+"))
    except OSError:
        memory = None
    all_have = trainer.strategy.reduce_boolean_decision(memory is not None)  # and have mapped it: its name can go
    if file is not None and trainer.global_rank == 0:
        file.unlink()
    return memory if all_have else None


def _reserved(size: int) -> Path | None:
    """A new file of memory; None where there is not so much."""
    try:
        descriptor, name = tempfile.mkstemp(dir=FOLDER)
    except OSError:
        return None
    try:
        os.posix_fallocate(descriptor, 0, size)
    except OSError:
        Path(name).unlink()
        return None
    finally:
        os.close(descriptor)
    return Path(name)
