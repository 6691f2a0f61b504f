"""Build what a checked configuration describes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from vae_exp.config.locate import locate
from vae_exp.errors import UserError

# What a constructor raises when the values that it was given do not go together, or a package is not installed.
_USERS_FAULT = (ValueError, TypeError, ImportError)


def instantiate(node: Mapping[str, Any], trusted: Sequence[str] = (), where: str = "") -> Any:
    """Build a node: an object, a `functools.partial` where `_partial_` is true, a dict where there is no `_target_`.

    Args:
        node: Plain, as `check` returns it.
        trusted: Packages whose parts are allowed besides this package's.
        where: The node's path in the configuration, for the errors.

    Raises:
        UserError: A target is not allowed, or its constructor refuses the values.
    """
    return _build(node, trusted, where)


def _build(node: Any, trusted: Sequence[str], where: str) -> Any:
    if isinstance(node, (list, tuple)):
        return [_build(value, trusted, f"{where}.{index}") for index, value in enumerate(node)]
    if not isinstance(node, Mapping):
        return node
    part = locate(node["_target_"], trusted, where or "_target_") if "_target_" in node else None
    values = {key: _build(value, trusted, f"{where}.{key}".lstrip(".")) for key, value in node.items()}
    if part is None:
        return values
    del values["_target_"]
    if values.pop("_partial_", False):
        return partial(part, **values)
    try:
        return part(**values)
    except UserError:
        raise
    except _USERS_FAULT as error:
        raise UserError(f"{where}: {error}" if where else str(error)) from error
