"""Pictures decoded once, and read from one file ever after."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vae_exp.data.permission import may_write
from vae_exp.data.pictures import Pictures
from vae_exp.data.streaming import stream
from vae_exp.data.table import Table
from vae_exp.files import DiskFullError, remove_partial, whole
from vae_exp.types import CountOrZero

BLOCK = 256  # pictures decoded at once by one worker

log = logging.getLogger(__name__)


def in_memory(pictures: Pictures, *, root: Path, num_workers: CountOrZero) -> Table:
    """Decode pictures to a memory-mapped file below `root`, or find them there; see `held`.

    Args:
        pictures: The pictures.
        root: Folder of the cache.
        num_workers: Processes that decode.

    Raises:
        UserError: A picture cannot be read.
    """
    x = held(
        lambda: _blocks(pictures, num_workers),
        name=pictures.name,
        fingerprint=pictures.fingerprint(),
        shape=(len(pictures), *pictures.shape),
        root=root,
    )
    return Table(x, pictures.y)


def held(
    blocks: Callable[[], Iterator[Tensor]], *, name: str, fingerprint: str, shape: tuple[int, ...], root: Path
) -> Tensor:
    """Write pictures to a file below `root`, or find it there, and map it to memory, which takes none until it is read.

    The file's name has a hash of what was decoded and how: a changed source gets a new file, and the old one can be
    deleted. Where `root` cannot be written, the pictures are held in memory.

    Args:
        blocks: Decodes the pictures, some at a time, each block [n, C, H, W] uint8.
        name: Name of the data set.
        fingerprint: The hash.
        shape: Shape of all pictures together, (N, C, H, W).
        root: Folder of the cache.

    Returns:
        [N, C, H, W] uint8.
    """
    file = root / "cache" / f"{name}-{fingerprint}.npy"
    if not file.exists():
        log.info("decoding %d pictures of data=%s, once", shape[0], name)
        try:
            if not may_write(file.parent):
                raise PermissionError("read-only")
            remove_partial(file.parent, file.name)  # where a process was killed; only one decodes at a time
            with whole(file) as partial:
                _write(blocks(), shape, partial)
        except (OSError, DiskFullError) as error:
            log.warning("%s cannot be written (%s): the pictures are decoded again in every run", file, error)
            return _filled(blocks(), shape)
    # Copy on write: torch wants an array that can be written, and the file must stay as it is.
    return torch.from_numpy(np.load(file, mmap_mode="c"))


def _write(blocks: Iterator[Tensor], shape: tuple[int, ...], file: Path) -> None:
    # Written as a plain file: through a memory map, a full disk would kill the process instead of raising an error.
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    with file.open("wb") as opened:
        np.lib.format.write_array_header_1_0(opened, header)
        for block in blocks:
            opened.write(block.numpy().data)


def _filled(blocks: Iterator[Tensor], shape: tuple[int, ...]) -> Tensor:
    pictures, done = torch.empty(shape, dtype=torch.uint8), 0
    for block in blocks:
        pictures[done : done + len(block)] = block
        done += len(block)
    return pictures


def _blocks(pictures: Pictures, num_workers: int) -> Iterator[Tensor]:
    starts = range(0, len(pictures), BLOCK)
    batches = [range(start, min(start + BLOCK, len(pictures))) for start in starts]
    return stream(pictures, batches, num_workers=num_workers)
