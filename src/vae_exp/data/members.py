"""Files inside of tar files, on a disk or in object storage, each read by itself."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, NamedTuple

import fsspec
import numpy as np


class Member(NamedTuple):
    """A file inside of a tar file.

    Args:
        shard: The tar file, a path or an address that fsspec knows.
        offset: Where it begins, bytes.
        size: Bytes.
    """

    shard: str
    offset: int
    size: int

    def open(self, mode: str = "rb") -> IO[bytes]:
        """Read it, by one request for its bytes alone."""
        # Asked for anew each time: the connections of a process are of no use to the workers that it forks.
        files, path = fsspec.core.url_to_fs(self.shard)
        return io.BytesIO(files.cat_file(path, start=self.offset, end=self.offset + self.size))

    def __str__(self) -> str:
        return f"{self.shard} (at byte {self.offset})"


@dataclass(frozen=True, eq=False)
class Members(Sequence[Member]):
    """Many of them, 20 bytes each, in the order of the shards and of what is in them.

    Args:
        shards: The tar files.
        versions: Of each, what changes when it does.
        shard: Number of each member's shard, [N] int32.
        offset: Where it begins, [N] int64.
        size: Bytes, [N] int64.
    """

    shards: Sequence[str]
    versions: Sequence[str]
    shard: np.ndarray
    offset: np.ndarray
    size: np.ndarray

    def __len__(self) -> int:
        return len(self.shard)

    def __getitem__(self, index: int) -> Member:  # type: ignore[override]  # one at a time
        return Member(self.shards[self.shard[index]], int(self.offset[index]), int(self.size[index]))

    def contents(self) -> list[tuple[str, str]]:
        """What changes when a member is added, removed or edited."""
        return list(zip(self.shards, self.versions, strict=True))
