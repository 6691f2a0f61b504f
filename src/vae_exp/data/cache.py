"""Pictures decoded once, and read from one file ever after."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vae_exp.data.permission import may_write
from vae_exp.data.pictures import Pictures
from vae_exp.data.streaming import stream
from vae_exp.data.table import Table
from vae_exp.types import CountOrZero

BLOCK = 256  # pictures decoded at once by one worker

log = logging.getLogger(__name__)


def in_memory(pictures: Pictures, *, root: Path, num_workers: CountOrZero) -> Table:
    """Decode pictures to a memory-mapped file below `root`, or find them there.

    The file's name is a hash of what was decoded and how: a changed folder gets a new file, and the old one can be
    deleted. Where `root` cannot be written, the pictures are held in memory.

    Args:
        pictures: The pictures.
        root: Folder of the cache.
        num_workers: Processes that decode.

    Raises:
        UserError: A picture cannot be read.
    """
    file = root / "cache" / f"{pictures.name}-{pictures.fingerprint()}.npy"
    if not file.exists():
        log.info("decoding %d pictures of data=%s, once", len(pictures), pictures.name)
        temporary = file.with_suffix(f".{os.getpid()}.tmp")
        try:
            if not may_write(file.parent):
                raise PermissionError("read-only")
            file.parent.mkdir(parents=True, exist_ok=True)
            _write(pictures, temporary, num_workers)
            temporary.replace(file)
        except OSError as error:
            log.warning("%s cannot be written (%s): the pictures are decoded again in every run", file, error)
            return Table(torch.cat(list(_blocks(pictures, num_workers))), pictures.y)
        finally:
            if temporary.exists():
                temporary.unlink()
    # Copy on write: torch wants an array that can be written, and the file must stay as it is.
    return Table(torch.from_numpy(np.load(file, mmap_mode="c")), pictures.y)


def _write(pictures: Pictures, file: Path, num_workers: int) -> None:
    # Written as a plain file: through a memory map, a full disk would kill the process instead of raising an error.
    header = {"descr": "|u1", "fortran_order": False, "shape": (len(pictures), *pictures.shape)}
    with file.open("wb") as opened:
        np.lib.format.write_array_header_1_0(opened, header)
        for block in _blocks(pictures, num_workers):
            opened.write(block.numpy().data)
        opened.flush()
        os.fsync(opened.fileno())


def _blocks(pictures: Pictures, num_workers: int) -> Iterator[Tensor]:
    starts = range(0, len(pictures), BLOCK)
    batches = [range(start, min(start + BLOCK, len(pictures))) for start in starts]
    return stream(pictures, batches, num_workers=num_workers)
