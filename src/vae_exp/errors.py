"""The one exception whose message is written for the user."""

from __future__ import annotations

from functools import partial
from typing import Any, TypeVar

Kind = TypeVar("Kind")


class UserError(ValueError):
    """Something the user can mend; shown as its one sentence, without a traceback, and exit code 1."""


def reason_of(error: Exception) -> str:
    """What an error says, in one line of bearable length, for a sentence of ours."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def of_kind(part: Any, kind: type[Kind], where: str) -> Kind:
    """The part itself, which a configuration may have named by mistake.

    Args:
        part: What was built.
        kind: What it must derive from.
        where: Its place in the configuration.

    Raises:
        UserError: It does not.
    """
    if isinstance(part, kind):
        return part
    wanted = f"{kind.__module__}.{kind.__name__}"
    if isinstance(part, partial):
        raise UserError(f"{where}: has `_partial_: true`, and should not; it must be a {wanted} when it is built")
    raise UserError(f"{where}: {type(part).__name__} does not derive from {wanted}")
