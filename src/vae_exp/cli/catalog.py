"""What the configuration offers, read from its files as text: neither Hydra nor a yaml parser is imported."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

_KEY = re.compile(r"^(\w+):\s*([^#]*?)\s*(?:#\s*(.*))?$")


class Option(NamedTuple):
    """One yaml file of a group: its name, and the first two lines of its leading comment."""

    name: str
    about: str
    source: str


class Setting(NamedTuple):
    """One key of a root: its default as yaml, and the comment behind it."""

    key: str
    value: str
    about: str


def groups(folders: Sequence[Path]) -> dict[str, list[Option]]:
    """List the options of every group; of two files with one name, the earlier folder's is taken.

    Args:
        folders: Folders of yaml files.
    """
    found: dict[str, dict[str, Option]] = {}
    for folder in folders:
        for file in sorted(folder.rglob("*.yaml")):
            group = file.parent.relative_to(folder).as_posix()
            if group.split("/")[0] not in ("", ".", "hydra") and not file.name.startswith("_"):
                found.setdefault(group, {}).setdefault(file.stem, _option(file))
    return {group: sorted(options.values()) for group, options in sorted(found.items())}


def settings(folders: Sequence[Path], root: str) -> list[Setting]:
    """List the keys that stand in a root itself."""
    matches = [_KEY.match(line) for line in _root(folders, root)]
    found = [Setting(match[1], match[2], match[3] or "") for match in matches if match and match[2]]
    return [setting for setting in found if setting.key not in ("defaults", "hydra")]


def _root(folders: Sequence[Path], root: str) -> list[str]:
    files = [folder / f"{root}.yaml" for folder in folders]
    file = next((file for file in files if file.is_file()), None)
    return file.read_text(encoding="utf-8", errors="replace").splitlines() if file else []


def _option(file: Path) -> Option:
    comments: list[str] = []
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        if not line.startswith("#"):
            break
        text = line.lstrip("#").strip()
        if text and not text.startswith("@package"):
            comments.append(text)
    about, source, *_ = [*comments, "", ""]
    return Option(file.stem, about, source)
