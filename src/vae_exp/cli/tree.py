"""Which options a command line leads to and which keys they bring, without Hydra's import: for help and completion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from vae_exp.nested import settings


class Tree(NamedTuple):
    """What a root composes to.

    Args:
        chosen: The options of each group.
        keys: The full path of every single value.
    """

    chosen: dict[str, list[str]]
    keys: set[str]


def compose_lightly(folders: Sequence[Path], root: str, given: Mapping[str, str]) -> Tree:
    """Follow the defaults lists from a root. What is wrong is skipped: Hydra will say so.

    Args:
        folders: Folders of yaml files, the first wins.
        root: The root's file without its ending.
        given: Options that the command line chooses.
    """
    tree = Tree({}, set())
    _follow(folders, Path(root), "", given, tree)
    return tree


def _follow(folders: Sequence[Path], file: Path, package: str, given: Mapping[str, str], tree: Tree) -> None:
    content, is_global = _load(folders, file)
    package = "" if is_global else package
    for entry in content.pop("defaults", None) or []:
        for group, name, inner in _entries(file.parent.as_posix().strip("."), package, entry, given, tree):
            _follow(folders, Path(group) / name, inner, given, tree)
    content.pop("hydra", None)
    paths = (path for path, _ in settings(content) if not any(key.startswith("_") for key in path))
    tree.keys.update(".".join((package, *path)).strip(".") for path in paths)


def _entries(
    group: str, package: str, entry: Any, given: Mapping[str, str], tree: Tree
) -> Iterator[tuple[str, str, str]]:
    """Read one entry of a defaults list: group, option and package of each file that it names."""
    if isinstance(entry, str):
        name, _, inner = entry.partition("@")
        if name != "_self_":
            yield group, name, f"{package}.{inner}".strip(".") if inner else package
        return
    for key, value in entry.items() if isinstance(entry, dict) else ():
        if key.startswith(("override ", "hydra/", "/hydra/")):
            continue
        name = key.removeprefix("optional ").partition("@")[0]
        inner = name[1:] if name.startswith("/") else f"{group}/{name}".strip("/")
        options = given.get(inner, value)
        names = [str(option) for option in (options if isinstance(options, list) else [options]) if option]
        tree.chosen[inner] = names
        yield from ((inner, option, inner.replace("/", ".")) for option in names)


def _load(folders: Sequence[Path], file: Path) -> tuple[dict[str, Any], bool]:
    """Read a file, and whether its keys belong to the top."""
    paths = [folder / f"{file}.yaml" for folder in folders]
    path = next((path for path in paths if path.is_file()), None)
    text = path.read_text(encoding="utf-8") if path else ""
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError:
        content = None
    return content if isinstance(content, dict) else {}, "@package _global_" in text
