"""Runs that differ in values alone are composed from what was composed before."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from hydra._internal import config_loader_impl, defaults_list
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import ConfigRepository, IConfigRepository
from hydra._internal.defaults_list import DefaultsList, Overrides
from hydra.core.default_element import InputDefault, ResultDefault
from hydra.core.override_parser.types import Override
from hydra.plugins.config_source import ConfigResult
from omegaconf import DictConfig


@contextmanager
def remembered() -> Iterator[None]:
    """Let Hydra read each file once, and merge those of a choice of options once, however many runs have that choice.

    Which files are merged follows from the options alone; values are put in afterwards. Hydra does all of it anew for
    each run, twice, and a sweep of many runs would wait a second for each. What changes in the files meanwhile is not
    seen: the runs of a sweep have one configuration.
    """
    lists: dict[Any, DefaultsList] = {}
    merged: dict[int, bytes] = {}  # by the identity of lists, which `lists` keeps alive
    files: dict[Any, bytes] = {}
    choices_for = defaults_list._create_interpolation_map
    find: Any = vars(config_loader_impl)["create_defaults_list"]  # as it is now: within another memory, that one's
    merge, load = ConfigLoaderImpl._compose_config_from_defaults_list, ConfigRepository.load_config

    def found(
        repo: IConfigRepository,
        config_name: str | None,
        overrides_list: list[Override],
        prepend_hydra: bool,
        skip_missing: bool,
    ) -> DefaultsList:
        values = Overrides(repo=repo, overrides_list=overrides_list).config_overrides
        options = [o.input_line for o in overrides_list if o not in values and not o.is_sweep_override()]
        key = (places(repo), config_name, tuple(options), prepend_hydra, skip_missing)
        if key not in lists:
            lists[key] = find(repo, config_name, overrides_list, prepend_hydra, skip_missing)
        return replace(lists[key], config_overrides=values)

    def composed(loader: ConfigLoaderImpl, defaults: list[ResultDefault], repo: IConfigRepository) -> DictConfig:
        if id(defaults) not in merged:
            merged[id(defaults)] = pickle.dumps(merge(loader, defaults, repo))
        again: DictConfig = pickle.loads(merged[id(defaults)])  # a copy, in a third of the time of `copy.deepcopy`
        return again

    def loaded(repo: ConfigRepository, config_path: str) -> ConfigResult | None:
        key = (places(repo), config_path)
        if key not in files:
            files[key] = pickle.dumps(load(repo, config_path))
        again: ConfigResult | None = pickle.loads(files[key])  # merging others into it changes it
        return again

    def choices(overrides: Overrides, entries: list[InputDefault], self_added: bool) -> DictConfig | None:
        # A fifth of a composition, for defaults such as `model: ${data}`, which hardly any file has.
        if any(entry.is_interpolation() for entry in entries):
            return choices_for(overrides, entries, self_added)
        return None

    def places(repo: IConfigRepository) -> tuple[tuple[str, str], ...]:
        return tuple((source.provider, source.path) for source in repo.get_sources())

    with (
        _replaced(ConfigRepository, "load_config", loaded),
        _replaced(config_loader_impl, "create_defaults_list", found),
        _replaced(defaults_list, "_create_interpolation_map", choices),
        _replaced(ConfigLoaderImpl, "_compose_config_from_defaults_list", composed),
    ):
        yield


@contextmanager
def _replaced(owner: Any, name: str, by: Any) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, by)
    try:
        yield
    finally:
        setattr(owner, name, before)
