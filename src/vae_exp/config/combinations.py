"""The runs that a sweep consists of, as Hydra's own sweeper sees them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import hydra
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig

from vae_exp.config.compose import compose, hydra_at_hand
from vae_exp.config.explain import COMPOSITION_ERRORS, explain, one_line
from vae_exp.errors import UserError


def combinations(
    root_name: str, overrides: Sequence[str], *, multirun: bool, config_dirs: Sequence[str | Path] = ()
) -> list[list[str]]:
    """List the overrides of every run that a command starts: one without a sweep.

    A sweeper that chooses its values as it goes (Optuna) has no such list; it gets one entry, with the swept keys
    left at their defaults.

    Args:
        root_name: The root's file without its ending.
        overrides: The command line's `key=value`, with commas, range(), glob() and choice() in it.
        multirun: Whether `-m` was given; the configuration may ask for a sweep too, by `hydra.mode`.
        config_dirs: Folders that are searched before the shipped one.

    Raises:
        UserError: An override cannot be read.
    """
    overrides = list(overrides)
    parsed = _parse(overrides, config_dirs)
    fixed = [text for text, override in zip(overrides, parsed, strict=True) if not override.is_sweep_override()]
    if not multirun and len(fixed) < len(overrides) and not any("hydra.mode" in text for text in overrides):
        return [overrides]
    settings = compose(root_name, fixed, config_dirs).hydra
    if not multirun and settings.mode != RunMode.MULTIRUN:
        return [overrides]
    if not settings.sweeper._target_.endswith(".BasicSweeper"):
        return [fixed]
    return _expand(overrides, settings, config_dirs)


def _expand(overrides: list[str], settings: DictConfig, config_dirs: Sequence[str | Path]) -> list[list[str]]:
    preset = [f"{key}={value}" for key, value in (settings.sweeper.params or {}).items()]
    parsed = _parse([*preset, *overrides], config_dirs)
    for_hydra = [str(override.input_line) for override in parsed if override.is_hydra_override()]
    for_job = [override for override in parsed if not override.is_hydra_override()]
    try:
        [batch] = BasicSweeper.split_arguments(for_job, max_batch_size=None)
    except HydraException as error:
        raise UserError(one_line(error)) from error
    return [[*for_hydra, *run] for run in batch]


def _parse(overrides: list[str], config_dirs: Sequence[str | Path]) -> list[Override]:
    # glob() over the options of a group is the reason why the parser needs a loader.
    with hydra_at_hand(config_dirs) as loader:
        try:
            return OverridesParser.create(config_loader=loader).parse_overrides(overrides)
        except COMPOSITION_ERRORS as error:
            raise UserError(explain(error, overrides, lambda some: hydra.compose(None, list(some)))) from error
