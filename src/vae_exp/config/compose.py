"""Compose a configuration without running anything, so that it can be checked before the disk is touched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import hydra
from omegaconf import DictConfig

from vae_exp.config import paths
from vae_exp.config.explain import COMPOSITION_ERRORS, explain
from vae_exp.errors import UserError


@contextmanager
def hydra_at_hand(config_dirs: Sequence[str | Path] = ()) -> Iterator[list[str]]:
    """Start Hydra; yields the overrides that make it read every folder.

    A user's folder comes before the shipped one, so that its files win.

    Raises:
        UserError: A folder does not exist.
    """
    folders = [*(Path(folder).absolute() for folder in config_dirs), paths.conf_dir()]
    for folder in folders:
        if not folder.is_dir():
            raise UserError(f"{folder} is not a folder of yaml files; `vae-exp init-conf DIR` makes one to edit")
    first, *others = folders
    quoted = ", ".join('"file://{}"'.format(str(folder).replace('"', '\\"')) for folder in others)
    with hydra.initialize_config_dir(str(first), job_name="vae_exp", version_base="1.3"):
        yield [f"hydra.searchpath=[{quoted}]"] if others else []


def compose(root_name: str, overrides: Sequence[str] = (), config_dirs: Sequence[str | Path] = ()) -> DictConfig:
    """Compose one run, with its `hydra` node, so that `${hydra:...}` can be resolved before the run exists.

    Args:
        root_name: The root's file without its ending, e.g. `train`.
        overrides: The command line's `key=value`.
        config_dirs: Folders that are searched before the shipped one.

    Raises:
        UserError: It cannot be composed, in one sentence.
    """
    with hydra_at_hand(config_dirs) as search:

        def attempt(some: Sequence[str]) -> DictConfig:
            return hydra.compose(root_name, [*some, *search], return_hydra_config=True)

        try:
            return attempt(overrides)
        except COMPOSITION_ERRORS as error:
            raise UserError(explain(error, overrides, attempt)) from error
