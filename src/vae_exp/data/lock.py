"""One process at a time where a data set is downloaded and decoded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock

from vae_exp.data.permission import may_write


@contextmanager
def one_at_a_time(root: Path) -> Iterator[None]:
    """Hold the lock of a folder, made where it is missing; a folder that cannot be written needs no lock."""
    with ExitStack() as stack:
        try:
            if not may_write(root):
                raise PermissionError(root)
            root.mkdir(parents=True, exist_ok=True)
            stack.enter_context(FileLock(root / ".lock"))
        except (OSError, NotImplementedError):  # the latter where the file system knows no locks
            pass
        yield
