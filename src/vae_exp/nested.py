"""Dicts and lists within each other, as a configuration or a record has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Path = tuple[str, ...]
"""Keys and places, from the outermost on."""


def at(node: Any, *path: str) -> Any:
    """What stands at a path of keys; None where nothing does."""
    for key in path:
        node = node.get(key) if isinstance(node, Mapping) else None
    return node


def dict_at(node: Any, *path: str) -> dict[str, Any]:
    """The dict at a path of keys; an empty one where there is none."""
    found = at(node, *path)
    return found if isinstance(found, dict) else {}


def items(node: Any) -> Iterable[tuple[Any, Any]]:
    """Keys or places and what stands there, of a dict or a list; nothing of anything else."""
    if isinstance(node, Mapping):
        return node.items()
    return enumerate(node) if isinstance(node, list) else ()


def single_values(node: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """All that is neither a dict nor a list, and where it stands."""
    if not isinstance(node, Mapping | list):
        yield path, node
    for key, value in items(node):
        yield from single_values(value, (*path, str(key)))


def settings(node: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """All that is no dict, and where it stands: a list is a value of its key."""
    if not isinstance(node, Mapping):
        yield path, node
        return
    for key, value in node.items():
        yield from settings(value, (*path, str(key)))
