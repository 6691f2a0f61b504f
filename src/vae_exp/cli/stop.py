"""How a run that is stopped ends: with the exit codes that shells and schedulers know."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pytorch_lightning.utilities.exceptions import SIGTERMException

TERMINATED = 143  # 128 + SIGTERM


@contextmanager
def stoppable() -> Iterator[None]:
    """Let SIGTERM end in exit code 143, and Ctrl-C in a KeyboardInterrupt, which Lightning makes a bare exit(1) of."""
    try:
        yield
    except SIGTERMException:
        raise SystemExit(TERMINATED) from None
    except SystemExit:
        raise KeyboardInterrupt from None
