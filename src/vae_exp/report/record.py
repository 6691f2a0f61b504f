"""What a run's folder tells of the run, read without its model: whatever is there, of a run in any state."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from vae_exp.errors import UserError
from vae_exp.files import read_json
from vae_exp.nested import dict_at

_ENVIRONMENT = re.compile(r"\$\{\s*oc\.env\b")
CONFIG, STATUS = Path(".hydra", "config.yaml"), Path("status.json")


@dataclass(frozen=True)
class Record:
    """A run, as its files have it; what is missing is empty.

    Args:
        folder: The run's folder, as it was named.
        status: status.json.
        figures: metrics.json.
        settings: The configuration, resolved.
        overrides: What the user gave on the command line.
        choices: The option of each group, such as `data` and `model/encoder`.
        config_dirs: Folders of configuration that the user named.
        unread: One sentence for each file that is there and cannot be read.
    """

    folder: Path
    status: dict[str, Any]
    figures: dict[str, Any]
    settings: dict[str, Any]
    overrides: tuple[str, ...]
    choices: dict[str, str]
    config_dirs: tuple[str, ...]
    unread: tuple[str, ...]


def is_run(folder: Path) -> bool:
    """Whether a folder is that of a run, however the run ended."""
    return (folder / CONFIG).is_file() or (folder / STATUS).is_file()


def read_record(folder: Path) -> Record:
    """Read a run's folder.

    Raises:
        UserError: It is no run's folder.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder; give the folder of a run, such as outputs/DATE/TIME")
    if not is_run(folder):
        raise UserError(f"{folder} is not a run's folder: it has neither {CONFIG} nor {STATUS}")
    unread: list[str] = []

    def read(name: str | Path, reader: Callable[[Path], Any], kind: type) -> Any:
        path = folder / name
        if not path.is_file():
            return kind()
        try:
            found = reader(path)
        except (OSError, ValueError, yaml.YAMLError):
            found = None
        if not isinstance(found, kind):
            unread.append(f"{name} cannot be read; the page does without it.")
            return kind()
        return found

    hydra = read(".hydra/hydra.yaml", _yaml, dict).get("hydra")
    runtime = dict_at(hydra, "runtime")
    sources = [dict_at(source) for source in runtime.get("config_sources") or []]
    return Record(
        folder=folder,
        status=read(STATUS, read_json, dict),
        figures=read("metrics.json", read_json, dict),
        settings=read(CONFIG, _resolved, dict),
        overrides=tuple(str(override) for override in read(".hydra/overrides.yaml", _yaml, list)),
        choices={str(k): str(v) for k, v in dict_at(runtime, "choices").items() if v is not None},
        config_dirs=tuple(str(s["path"]) for s in sources if s.get("provider") == "command-line"),
        unread=tuple(unread),
    )


def _yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _resolved(path: Path) -> Any:
    from omegaconf import OmegaConf  # which those who only look for runs need not wait for
    from omegaconf.errors import OmegaConfBaseException

    try:
        raw = OmegaConf.to_container(OmegaConf.load(path))
    except OmegaConfBaseException as error:
        raise ValueError(f"{path}: {error}") from error
    if isinstance(raw, dict) and "run_dir" in raw:
        raw["run_dir"] = str(path.parents[1].absolute())
    try:
        return OmegaConf.to_container(OmegaConf.create(_kept(raw)), resolve=True)
    except OmegaConfBaseException:  # a resolver of the user's own: as it was written, then
        return raw


def _kept(node: Any) -> Any:
    """Leave variables of the environment by their names: a page is shown to others."""
    if isinstance(node, dict):
        return {key: _kept(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_kept(value) for value in node]
    return _ENVIRONMENT.sub(r"\\\g<0>", node) if isinstance(node, str) else node
