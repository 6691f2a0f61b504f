"""Compose a configuration without running anything, so that it can be checked before the disk is touched."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

import hydra
from hydra.core.config_loader import ConfigLoader
from hydra.core.config_search_path import SearchPathQuery
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf

from vae_exp.config import names, paths
from vae_exp.config.explain import COMPOSITION_ERRORS, Compose, explain
from vae_exp.errors import UserError

if TYPE_CHECKING:
    from hydra._internal.config_loader_impl import ConfigLoaderImpl

names.register()  # the resolvers that the configuration names


@contextmanager
def hydra_at_hand(config_dirs: Sequence[str | Path] = ()) -> Iterator[ConfigLoader]:
    """Start Hydra on the users' folders and the shipped one; the first that has a file wins.

    Raises:
        UserError: A folder does not exist.
    """
    folders = [*(Path(folder).absolute() for folder in config_dirs), paths.conf_dir()]
    for folder in folders:
        if not folder.is_dir():
            raise UserError(f"{folder} is not a folder of yaml files; `vae-exp init-conf DIR` makes one to edit")
    first, *others = folders
    with hydra.initialize_config_dir(str(first), job_name="vae_exp", version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        path = loader.get_search_path()
        for folder in others:
            # As Hydra does with --config-dir; its override hydra.searchpath is not read for the root itself.
            path.prepend("vae_exp", f"file://{folder}", anchor=SearchPathQuery(provider="schema"))
        cast("ConfigLoaderImpl", loader).repository.initialize_sources(path)
        yield loader


def compose(root_name: str, overrides: Sequence[str] = (), config_dirs: Sequence[str | Path] = ()) -> DictConfig:
    """Compose one run, with its `hydra` node, so that `${hydra:...}` can be resolved before the run exists.

    Args:
        root_name: The root's file without its ending, e.g. `train`.
        overrides: The command line's `key=value`.
        config_dirs: Folders that are searched before the shipped one.

    Raises:
        UserError: It cannot be composed, in one sentence.
    """
    with hydra_at_hand(config_dirs):

        def attempt(some: Sequence[str]) -> DictConfig:
            return hydra.compose(root_name, list(some), return_hydra_config=True)

        try:
            cfg = attempt(overrides)
        except COMPOSITION_ERRORS as error:
            raise UserError(explain(error, overrides, attempt)) from error
        for text in overrides:
            _refuse_several(text, [other for other in overrides if other != text], cfg, attempt)
        return cfg


def _refuse_several(text: str, others: list[str], cfg: DictConfig, attempt: Compose) -> None:
    """Refuse a list of options of a group of which one is chosen: Hydra would merge them into one part."""
    found = re.fullmatch(r"([\w/]+)=\[(\w+)(?:, *\w+)+\]", text)
    if found is None or not _is_part(cfg, group := found[1]):
        return
    try:
        before = attempt(others)
    except COMPOSITION_ERRORS:  # another override goes with one of the options alone
        before = cfg
    if _is_part(before, group):
        raise UserError(f"{text}: only one can be chosen; write {group}={found[2]}")


def _is_part(cfg: DictConfig, group: str) -> bool:
    node = OmegaConf.select(cfg, group.replace("/", "."))
    return OmegaConf.is_dict(node) and "_target_" in node
