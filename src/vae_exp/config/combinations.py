"""The runs that a sweep consists of, as Hydra's own sweeper sees them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import hydra
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override
from hydra.errors import HydraException
from hydra.types import RunMode

from vae_exp.config.compose import compose, hydra_at_hand
from vae_exp.config.explain import COMPOSITION_ERRORS, explain, one_line
from vae_exp.config.names import FIXED, key_of, varied
from vae_exp.errors import UserError


class Runs(NamedTuple):
    """What a command starts.

    Args:
        multirun: Whether it is a sweep, by `-m` or by the configuration's own `hydra.mode`.
        grid: Whether a sweep's runs are known beforehand.
        overrides: Those of every run; without a grid, examples of what they can be.
        naming: For a sweep, the override that tells Hydra which keys are fixed, and call no run.
    """

    multirun: bool
    grid: bool
    overrides: list[list[str]]
    naming: list[str]


def runs_of(
    root_name: str, overrides: Sequence[str], *, multirun: bool, config_dirs: Sequence[str | Path] = ()
) -> Runs:
    """Find out what a command starts: one run without a sweep.

    A sweeper that chooses its values as it goes (Optuna) has no list of runs. Its list tries each value of a choice
    and both ends of each range, one key at a time.

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
    if not multirun and len(fixed) < len(overrides) and not _asks_for_a_sweep(root_name, fixed, config_dirs):
        return Runs(False, True, [overrides], [])
    settings = compose(root_name, fixed, config_dirs).hydra
    if not multirun and settings.mode != RunMode.MULTIRUN:
        return Runs(False, True, [overrides], [])
    params = {str(key): value for key, value in (settings.sweeper.get("params") or {}).items()}
    preset = _parse([f"{key}={value}" for key, value in params.items()], config_dirs)
    names = varied(parsed, map(key_of, preset))
    still = [key_of(override) for override in parsed if not override.is_hydra_override()]
    naming = ",".join(f'"{key}"' for key in dict.fromkeys(still) if key not in names)
    grid = settings.sweeper._target_.endswith(".BasicSweeper")
    expand = _expand if grid else _ends
    runs = expand([*preset, *parsed])
    if not runs:
        raise UserError(f"there is nothing to run: one of {', '.join(names)} has no value")
    return Runs(True, grid, runs, [f"{FIXED}=[{naming}]"])


def _asks_for_a_sweep(root_name: str, fixed: list[str], config_dirs: Sequence[str | Path]) -> bool:
    """Whether the configuration is that of a sweep, as far as it can be composed without the swept keys."""
    try:
        return bool(compose(root_name, fixed, config_dirs).hydra.mode == RunMode.MULTIRUN)
    except UserError:  # which the whole command line explains better
        return False


def _expand(parsed: list[Override]) -> list[list[str]]:
    for_hydra = [str(override.input_line) for override in parsed if override.is_hydra_override()]
    for_job = [override for override in parsed if not override.is_hydra_override()]
    try:
        [batch] = BasicSweeper.split_arguments(for_job, max_batch_size=None)
    except HydraException as error:
        raise UserError(one_line(error)) from error
    return [[*for_hydra, *run] for run in batch]


def _ends(parsed: list[Override]) -> list[list[str]]:
    values = {override.get_key_element(): _extremes(override) for override in parsed}
    first = {key: some[0] for key, some in values.items()}
    runs = [first] + [{**first, key: value} for key, some in values.items() for value in some[1:]]
    return [[key if value is None else f"{key}={value}" for key, value in run.items()] for run in runs]


def _extremes(override: Override) -> list[str | None]:
    if override.is_interval_sweep():
        ends = override.value()
        assert isinstance(ends, IntervalSweep)
        return [str(ends.start), str(ends.end)]
    if override.is_sweep_override():
        values = list(override.sweep_string_iterator())
        return [values[0], values[-1]] if override.is_range_sweep() else list(values)
    return [None if override.is_delete() else override.get_value_element_as_str()]


def _parse(overrides: list[str], config_dirs: Sequence[str | Path]) -> list[Override]:
    # glob() over the options of a group is the reason why the parser needs a loader.
    with hydra_at_hand(config_dirs) as loader:
        try:
            return OverridesParser.create(config_loader=loader).parse_overrides(overrides)
        except COMPOSITION_ERRORS as error:
            raise UserError(explain(error, overrides, lambda some: hydra.compose(None, list(some)))) from error
