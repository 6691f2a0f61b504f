"""How the folders of a sweep and of its runs are called.

A run is called by the keys that vary: those that were given several values (on the command line, by `choice(...)` even
one, or in `hydra.sweeper.params`), and those of `sweep.axes`, given or not, since sweeps grow along these. The name is
a function of that run alone: it knows neither the other values of the sweep nor the order of the command. All other
overrides are fixed, and call the sweep's folder.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.conf import HydraConf
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from vae_exp.config.keys import ELSEWHERE, IRRELEVANT, short_hash, shortened
from vae_exp.errors import UserError

FIXED = "hydra.job.config.override_dirname.exclude_keys"
"""Where Hydra keeps the keys that a folder is not called by."""

_LONGEST_VALUE, _LONGEST_NAME, _LONGEST_READABLE = 32, 120, 60


def register() -> None:
    """Make `${sweep_name:}` and `${run_name:}` known to OmegaConf."""
    OmegaConf.register_new_resolver("sweep_name", sweep_name, replace=True)
    OmegaConf.register_new_resolver("run_name", run_name, replace=True)


def varied(overrides: Sequence[Override], params: Iterable[str]) -> list[str]:
    """The keys that a command gives several values.

    Args:
        overrides: The command line's.
        params: Keys of `hydra.sweeper.params`.
    """
    swept = [key_of(override) for override in overrides if override.is_sweep_override()]
    return list(dict.fromkeys([*swept, *(key.lstrip("+") for key in params)]))


def key_of(override: Override) -> str:
    """The key of an override, with its package."""
    return f"{override.key_or_group}@{override.package}" if override.package else override.key_or_group


def sweep_name(*, _root_: DictConfig) -> str:
    """Call a sweep by what is fixed in it: a readable part, and a short hash of all of it.

    Args:
        _root_: The composed configuration, of the sweep or of any of its runs.
    """
    fixed = set(OmegaConf.select(_root_, FIXED) or ()) - set(_axes(_root_))
    given = {key: text for key, text in _given(_root_).items() if key in fixed - {*IRRELEVANT, *ELSEWHERE}}
    short = shortened(given)
    choices = OmegaConf.select(_root_, "hydra.runtime.choices") or {}
    readable = ""
    for key in sorted(given, key=lambda key: (key not in choices, key)):  # the data and the model first
        longer = f"{readable}--{short[key]}-{_slug(given[key])}".removeprefix("--")
        readable = longer if len(longer) <= _LONGEST_READABLE else readable
    readable = readable or "sweep"
    return f"{readable}.{short_hash(json.dumps(sorted(given.items())))}"


def run_name(*, _root_: DictConfig) -> str:
    """Call a run by what varies in its sweep: `latent_dim-2--beta-0.5--seed-0`.

    Lower-case letters, digits, `.`, `_` and `-` alone: any file system, shell, scheduler and Hydra itself takes such a
    name as it is. A value that has other characters, or is long, is cut and bears a hash of the whole.

    Args:
        _root_: The composed configuration of the run.
    """
    fixed = set(OmegaConf.select(_root_, FIXED) or ())
    given = {key: text for key, text in _given(_root_).items() if key not in fixed and key not in IRRELEVANT}
    axes = {key: OmegaConf.select(_root_, key) for key in _axes(_root_)}
    values = {key: _text(value) for key, value in axes.items() if value is not None}
    values |= {key: given[key] for key in sorted(given) if key not in values}
    short = shortened(values)
    name = "--".join(f"{short[key]}-{_slug(text)}" for key, text in values.items())
    if len(name) > _LONGEST_NAME:
        name = f"{name[: _LONGEST_NAME - 9].rstrip('-.')}.{short_hash(name)}"
    return name or "run"


def run_folder(cfg: DictConfig) -> Path:
    """The folder that a run will have.

    Args:
        cfg: Its composed configuration, with the `hydra` node.

    Raises:
        UserError: It follows from something that only a started run has, such as its number.
    """
    if cfg.hydra.mode == RunMode.MULTIRUN:
        try:
            return Path(cfg.hydra.sweep.dir, cfg.hydra.sweep.subdir)
        except OmegaConfBaseException as error:
            raise UserError(
                "hydra.sweep.subdir: should follow from the values of the run, which is found again by it; leave it out"
            ) from error
    return Path(cfg.hydra.run.dir)


def run_keys(hydra: HydraConf, axes: Sequence[str]) -> list[str]:
    """The keys that a run is called by: the axes of its sweep, and what else it was given that is not fixed.

    Args:
        hydra: The `hydra` node of its configuration.
        axes: `sweep.axes`.
    """
    overrides = OverridesParser.create().parse_overrides([str(line) for line in hydra.overrides.task])
    fixed = {*hydra.job.config.override_dirname.exclude_keys, *IRRELEVANT}
    return list(dict.fromkeys([*axes, *(key_of(o) for o in overrides if key_of(o) not in fixed)]))


def _axes(root: DictConfig) -> list[str]:
    return [str(key) for key in OmegaConf.select(root, "sweep.axes") or ()]


def _given(root: DictConfig) -> dict[str, str]:
    """The overrides of a run: what each key is, as text."""
    lines = [str(line) for line in OmegaConf.select(root, "hydra.overrides.task") or ()]
    overrides = OverridesParser.create().parse_overrides(lines)
    choices = OmegaConf.select(root, "hydra.runtime.choices") or {}
    return {key_of(o): _value(o, root, choices) for o in overrides if not o.is_sweep_override()}


def _value(override: Override, root: DictConfig, choices: Mapping[Any, Any]) -> str:
    key = key_of(override)
    if override.is_delete():
        return "deleted"
    if key in choices:
        return _text(choices[key] if isinstance(choices[key], str) else override.value())
    value = OmegaConf.select(root, key, throw_on_missing=False)
    return _text(override.value() if value is None else value)


def _text(value: Any) -> str:
    """A value as text, the same however it was written: 0.50 is 0.5, 1.0 is 1."""
    if OmegaConf.is_config(value):
        value = OmegaConf.to_container(value, resolve=False)
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)


def _slug(text: str) -> str:
    plain = re.sub(r"[^a-z0-9._-]+", "_", text.lower()).strip("_.")
    if plain == text and len(text) <= _LONGEST_VALUE and re.fullmatch(r"-?[a-z0-9.]+([_-][a-z0-9.]+)*", text):
        return plain
    return f"{re.sub('-+', '-', plain[:_LONGEST_VALUE]).strip('_.-')}.{short_hash(text)}".lstrip(".")
