"""Check a composed configuration against the signatures of the parts that it names, before anything is built."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf, open_dict, read_write
from omegaconf.errors import OmegaConfBaseException

from vae_exp.config.explain import one_line
from vae_exp.config.keys import SEVERAL
from vae_exp.config.locate import is_third_party, locate
from vae_exp.config.nearest import nearest
from vae_exp.config.paths import conf_dir
from vae_exp.config.signature import check_names, check_values, parameters
from vae_exp.config.variables import variables
from vae_exp.errors import UserError
from vae_exp.nested import Path, items, single_values

_RESERVED = ("_target_", "_partial_")
_HYDRAS_OWN = re.compile(
    r"hydra\._internal\.core_plugins\.basic_\w+\.Basic\w+|hydra_plugins(\.\w+)+(Launcher|Sweeper)"
    r"|hydra\.experimental\.callbacks\.\w+Callback"
)


def check(cfg: DictConfig, trusted: Sequence[str] | None = None) -> dict[str, Any]:
    """Return the resolved configuration in plain containers, ready to be built.

    A key of a node with `_target_` is an argument of the target, or a variable: a key that some interpolation refers
    to. Variables are left out of such nodes in what is returned.

    Args:
        cfg: Composed, with or without its `hydra` node.
        trusted: Packages whose parts are allowed besides this package's; None reads `trusted_packages` of `cfg`. Pass
            a list for a configuration that was read from a run's folder: whoever wrote that folder would otherwise
            decide what this process runs.

    Raises:
        UserError: A key is missing, unknown or not allowed, or a value is wrong.
    """
    whole = OmegaConf.to_container(cfg, resolve=False)
    _refuse_foreign_parts_of_hydra(whole, "")
    raw = _without_hydra(whole)
    _refuse_missing(raw)
    _refuse_one_for_several(raw)
    known = variables(raw)
    if "hydra" in cfg:
        _refuse_lost(raw, {path[0] for path in known}, str(cfg.hydra.job.config_name))
    plain = _resolved(cfg)
    packages = plain.get("trusted_packages", []) if trusted is None else trusted
    if not isinstance(packages, (list, tuple)) or not all(isinstance(name, str) for name in packages):
        raise UserError(
            f"trusted_packages={packages}: should be a list of names, as in 'trusted_packages=[my_package]'"
        )
    checked: dict[str, Any] = _walk(plain, (), known, tuple(packages))
    return checked


def _walk(node: Any, path: Path, known: set[Path], trusted: tuple[str, ...]) -> Any:
    if isinstance(node, list):
        return [_walk(value, (*path, str(index)), known, trusted) for index, value in enumerate(node)]
    if not isinstance(node, dict):
        return node
    _refuse_reserved(node, path)
    kept = _checked_node(node, path, known, trusted) if "_target_" in node else node
    return {key: _walk(value, (*path, str(key)), known, trusted) for key, value in kept.items()}


def _checked_node(node: dict[str, Any], path: Path, known: set[Path], trusted: tuple[str, ...]) -> dict[str, Any]:
    """Check one node; returns it without its variables."""
    where = ".".join(path) or "the configuration"
    part = locate(node["_target_"], trusted, where)
    names = parameters(part)
    dropped = {key for key in node if key not in (*_RESERVED, *names) and (*path, str(key)) in known}
    given = {key: value for key, value in node.items() if key not in (*_RESERVED, *dropped)}
    check_names(part, given, where, partial=node.get("_partial_", False))
    if not is_third_party(node["_target_"]):
        given = check_values(part, given, where)
    return {key: given.get(key, value) for key, value in node.items() if key not in dropped}


def _refuse_reserved(node: dict[str, Any], path: Path) -> None:
    """Hydra's other words (`_args_`, `_recursive_`, ...) would change what a checked node means."""
    for key in node:
        where = ".".join((*path, str(key)))
        if str(key).startswith("_") and str(key).endswith("_") and key not in _RESERVED:
            raise UserError(f"{where} is not allowed; of the words with underscores only _target_ and _partial_ are")
        if key == "_partial_" and ("_target_" not in node or not isinstance(node[key], bool)):
            raise UserError(f"{where}={node[key]}: should be true or false, beside a _target_")


def _refuse_foreign_parts_of_hydra(node: Any, path: str) -> None:
    """Hydra itself builds what its own node names (launcher, sweeper, callbacks), and allows `torch.load` there."""
    if not path:
        node = {"hydra": node.get("hydra")}
    if isinstance(node, dict) and "_target_" in node and not _HYDRAS_OWN.fullmatch(str(node["_target_"])):
        raise UserError(f"{path}: _target_={node['_target_']} is not allowed; there, only parts of Hydra are")
    for key, value in items(node):
        _refuse_foreign_parts_of_hydra(value, f"{path}.{key}".lstrip("."))


def _refuse_missing(raw: Any) -> None:
    missing = sorted(".".join(path) for path, value in single_values(raw) if value == "???")
    if missing:
        given = " ".join(f"{key}=VALUE" for key in missing)
        verb = "has" if len(missing) == 1 else "have"
        raise UserError(f"{' and '.join(missing)} {verb} no value; add {given}")


def _refuse_lost(raw: dict[str, Any], referred: set[str], root: str) -> None:
    """Refuse a node that nothing reads, which a file without its first line, or with a misspelt one, brings.

    A single value is no such node, but a note that a run is called by.
    """
    known = _keys_of(root)
    for key, value in raw.items():
        if known and key not in (*known, *referred) and isinstance(value, dict):
            close = nearest(key, known)
            hint = f"did you mean {close}?" if close else "an experiment's file begins with '# @package _global_'"
            raise UserError(f"{key} is not a key that anything reads or refers to; {hint}")


def _refuse_one_for_several(raw: dict[str, Any]) -> None:
    for name in SEVERAL:
        if "_target_" in (raw.get(name) or {}):
            raise UserError(
                f"{name} is a part, where parts by their names should be; the first line of the file of a part is "
                f"'# @package {name}.NAME'"
            )


@cache
def _keys_of(root: str) -> tuple[str, ...]:
    """Top-level keys of the shipped configurations of this name, () where there is none: its own, and its groups."""
    file = conf_dir() / f"{root}.yaml"
    if not file.is_file():
        return ()
    own = OmegaConf.load(file)
    assert isinstance(own, DictConfig)
    groups = [name for entry in own.defaults if isinstance(entry, DictConfig) for name in entry if entry[name]]
    return tuple(str(key) for key in (*own, *groups))


def _without_hydra(plain: Any) -> dict[str, Any]:
    return {key: value for key, value in plain.items() if key != "hydra"}


def _resolved(cfg: DictConfig) -> dict[str, Any]:
    job = _copy(cfg)
    with open_dict(job), read_write(job):
        job.pop("hydra", None)
    with _hydra_resolver(cfg):
        try:
            return _without_hydra(OmegaConf.to_container(job, resolve=True))
        except OmegaConfBaseException as error:
            raise UserError(f"{error.full_key or 'the configuration'} cannot be resolved: {one_line(error)}") from error


def _copy(cfg: DictConfig) -> DictConfig:
    """A copy in a third of the time of `copy.deepcopy`, which a sweep of many runs would wait for."""
    again: DictConfig = pickle.loads(pickle.dumps(cfg))
    return again


@contextmanager
def _hydra_resolver(cfg: DictConfig) -> Iterator[None]:
    """Resolve `${hydra:...}` by the `hydra` node of a composed configuration, with stand-ins for what a run knows.

    A job's configuration has no such node; Hydra itself resolves it.
    """
    if "hydra" not in cfg:
        yield
        return
    holder = HydraConfig.instance()
    before = holder.cfg
    holder.cfg = _with_stand_ins(cfg)  # type: ignore[assignment]  # as set_config would, but for another copy
    try:
        yield
    finally:
        holder.cfg = before


def _with_stand_ins(cfg: DictConfig) -> DictConfig:
    cfg = _copy(cfg)
    stand_ins = {"runtime.output_dir": ".", "job.num": 0, "job.id": "0"}
    with open_dict(cfg), read_write(cfg):
        for key, value in stand_ins.items():
            if OmegaConf.select(cfg.hydra, key) is None:
                OmegaConf.update(cfg.hydra, key, value)
    return cfg
