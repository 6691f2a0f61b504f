"""Which keys of a configuration are variables: keys that an interpolation refers to."""

from __future__ import annotations

import re
from typing import Any

from vae_exp.nested import Path, single_values

_REFERENCE = re.compile(r"\$\{\s*(\.*[\w\[][^${}:,]*)\}|oc\.(?:select|dict\.\w+)\s*:\s*'?(\.*[\w\[][^${}:,']*)")


def variables(raw: Any) -> set[Path]:
    """Find the path of every key that some interpolation refers to.

    Args:
        raw: The unresolved configuration, in plain containers.
    """
    found: set[Path] = set()
    copies: dict[Path, Path] = {}
    texts = ((path, value) for path, value in single_values(raw) if isinstance(value, str))
    for path, text in texts:
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
