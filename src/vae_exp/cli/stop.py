"""How a run that is stopped ends: with the exit codes that shells and schedulers know."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pytorch_lightning.utilities.exceptions import SIGTERMException

TERMINATED = 143  # 128 + SIGTERM


@contextmanager
def stoppable() -> Iterator[None]:
    """Let SIGTERM end in exit code 143, and Ctrl-C in a KeyboardInterrupt, which Lightning makes a bare exit(1) of."""
    try:
        with on_sigterm(leave):
            yield
    except SIGTERMException:
        raise SystemExit(TERMINATED) from None
    except SystemExit as exit:
        if exit.code == TERMINATED:
            raise
        raise KeyboardInterrupt from None


@contextmanager
def left_to_lightning() -> Iterator[None]:
    """While it trains, Lightning itself hears of SIGTERM, ends the step, and saves."""
    with on_sigterm(signal.SIG_DFL):
        yield


@contextmanager
def on_sigterm(handler: Any) -> Iterator[None]:
    """Handle SIGTERM; in the main thread, which alone can."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before if before is not None else signal.SIG_DFL)


def leave(*_: Any) -> None:
    """End this process as SIGTERM does, but by an exception, so that what must be written is."""
    raise SystemExit(TERMINATED)
