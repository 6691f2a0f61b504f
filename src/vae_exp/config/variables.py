"""Which keys of a configuration are variables: keys that an interpolation refers to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

Path = tuple[str, ...]

_REFERENCE = re.compile(r"\$\{\s*(\.*[\w\[][^${}:,]*)\}|oc\.(?:select|dict\.\w+)\s*:\s*'?(\.*[\w\[][^${}:,']*)")


def variables(raw: Any) -> set[Path]:
    """Find the path of every key that some interpolation refers to.

    Args:
        raw: The unresolved configuration, in plain containers.
    """
    found: set[Path] = set()
    copies: dict[Path, Path] = {}
    for path, text in _texts(raw, ()):
        for match in _REFERENCE.finditer(text):
            target = _absolute((match[1] or match[2]).strip(), path)
            found.update(target[:length] for length in range(1, len(target) + 1))
            if match[0] == text.strip():
                copies[path] = target
    # `a: ${b}` copies a whole node, and with it the variables that stand in it.
    for path, target in copies.items():
        inside = [key for key in found if len(key) > len(target) and key[: len(target)] == target]
        found.update(path + key[len(target) :] for key in inside)
    return found


def _absolute(reference: str, path: Path) -> Path:
    """Resolve `${..key}`: one dot is the container of the value, each further dot one container up."""
    name = reference.lstrip(".")
    dots = len(reference) - len(name)
    base = path[: len(path) - dots] if dots else ()
    return (*base, *(part for part in re.split(r"[.\[\]]+", name) if part))


def _texts(node: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _texts(value, (*path, str(key)))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _texts(value, (*path, str(index)))
    elif isinstance(node, str):
        yield path, node
