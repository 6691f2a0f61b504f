"""What is shown of an error."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

from vae_exp.errors import UserError

FULL_ERROR = "HYDRA_FULL_ERROR"


def sentence(error: BaseException) -> str:
    """Say what went wrong in one line; for an error that is not the user's, also how to see where."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:  # the disk's or the user's, no bug of ours
        return f"{error.filename}: {error.strerror}" if error.filename is not None else error.strerror
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text} (set {FULL_ERROR}=1 for the traceback)"


def wants_traceback() -> bool:
    """Say whether the user asked for tracebacks, by the variable that Hydra has for it."""
    return os.environ.get(FULL_ERROR) == "1"


def log_to_file(error: Exception) -> None:
    """Put an error with its traceback into the log file of the run; the terminal gets its sentence elsewhere."""
    root = logging.getLogger()
    told = (type(error), error, error.__traceback__)
    record = root.makeRecord(__name__, logging.ERROR, __file__, 0, "%s", (sentence(error),), told)
    for handler in root.handlers:
        if isinstance(handler, logging.FileHandler):
            handler.handle(record)


@contextmanager
def writing(what: str, hint: str = "") -> Iterator[None]:
    """Say in one sentence that something cannot be written.

    Args:
        what: The file, or the key that names it.
        hint: What would do.

    Raises:
        UserError: It cannot.
    """
    try:
        yield
    except OSError as error:
        raise UserError(f"{what} cannot be written: {error.strerror or error}{hint}") from error
