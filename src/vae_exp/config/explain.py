"""Hydra's errors of composition, each as one sentence that names what would do."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from hydra.core.global_hydra import GlobalHydra
from hydra.errors import ConfigCompositionException, HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import MarkedYAMLError, YAMLError

from vae_exp.config.nearest import nearest, suggestion
from vae_exp.nested import settings

COMPOSITION_ERRORS = (HydraException, OmegaConfBaseException, YAMLError, ValueError)

Compose = Callable[[Sequence[str]], DictConfig]

_NO_NAME = re.compile(r"null|true|false|[-+.\de]+|\{.*\}", re.IGNORECASE)
"""Values that Hydra takes for something else than the name of an option."""


def explain(error: Exception, overrides: Sequence[str], compose: Compose) -> str:
    """Say in one sentence what caused an error of composition.

    Args:
        error: What Hydra or OmegaConf raised.
        overrides: The command line that raised it.
        compose: Composes with other overrides, to see which keys there are.
    """
    sentences = (_syntax, _option, _yaml, _encoding, _sweep, _missing_choice, _plus, _not_a_name, _key)
    for sentence in sentences:
        text = sentence(error, overrides, compose)
        if text is not None:
            return text
    return one_line(error)


def one_line(error: Exception) -> str:
    """Join the messages of an error and of its cause, without line breaks and OmegaConf's appendix."""
    causes = [error, error.__cause__] if isinstance(error.__cause__, OmegaConfBaseException) else [error]
    texts = [re.split(r"\n\s*full_key:", str(cause))[0] for cause in causes]
    return ": ".join(" ".join(text.split()) for text in texts if text.strip()) or type(error).__name__


def _syntax(error: Exception, overrides: Sequence[str], compose: Compose) -> str | None:
    if not isinstance(error, OverrideParseException):
        return None
    return (
        f"{error.override} cannot be read; write key=value without spaces around '=',"
        " and quote a value that has any of , = : ( ) [ ] { } in it, as in 'key=\"a,b\"'"
    )


def _option(error: Exception, overrides: Sequence[str], compose: Compose) -> str | None:
    if not isinstance(error, MissingConfigException) or error.missing_cfg_file is None:
        return None
    group, _, option = error.missing_cfg_file.rpartition("/")
    if not group:
        return f"there is no {option}.yaml in the configuration's folder"
    # Hydra tells of none where the option is one of several, as in metrics=[default,fid].
    found = error.options or GlobalHydra.instance().config_loader().get_group_options(group)
    options = [name for name in found if not name.startswith("_")]
    close = nearest(option, options)
    ordered = sorted(options, key=lambda name: (name != close, name))
    hint = f"; did you mean {group}={close}?" if close else ""
    return f"{group}={option} is not an option{hint} (options: {', '.join(ordered) or 'none'})"


def _yaml(error: Exception, overrides: Sequence[str], compose: Compose) -> str | None:
    if not isinstance(error, MarkedYAMLError) or error.problem_mark is None:
        return None
    mark = error.problem_mark
    return f"{mark.name} is not valid yaml: {error.problem} in line {mark.line + 1}"


def _encoding(error: Exception, overrides: Sequence[str], compose: Compose) -> str | None:
    if not isinstance(error, UnicodeDecodeError):
        return None
    places = (place.path for place in GlobalHydra.instance().config_loader().get_search_path().get_path())
    files = (file for place in places for file in sorted(Path(place.removeprefix("file://")).rglob("*.yaml")))
    wrong = next((str(file) for file in files if error.object in file.read_bytes()), "a file of the configuration")
    return f"{wrong} is not UTF-8 text: {error.reason} at byte {error.start}"


def _sweep(error: Exception, overrides: Sequence[str], compose: Compose) -> str | None:
    found = re.search(r"(?:Ambiguous value for argument|Sweep parameters) '(.*?)'(?:\s|$)", str(error))
    if found is None:
        return None
    key, _, value = found[1].partition("=")
    listed = "" if "(" in value else f", or write {key}=[{value}] for a list"
    return f"{found[1]} is several values: add -m to run each of them{listed}"


def _missing_choice(error: Exception, overrides: Sequence[str], compose: Compose) -> str | None:
    found = re.search(r"You must specify '(.*?)'", str(error))
    if found is None:
        return None
    options = re.findall(r"^\t(\S+)$", str(error), flags=re.MULTILINE)
    return f"{found[1]} has no value; give {found[1]}=OPTION, one of {', '.join(options)}"


def _plus(error: Exception, overrides: Sequence[str], compose: Compose) -> str | None:
    found = re.search(r"An item is already at '(.*?)'", str(error))
    return f"{found[1]} is there already; write it without '+'" if found else None


def _not_a_name(error: Exception, overrides: Sequence[str], compose: Compose) -> str | None:
    if "Config group override must be" not in str(error):
        return None
    groups = compose([]).hydra.runtime.choices
    odd = [text for text in overrides if _NO_NAME.fullmatch(text.partition("=")[2])]
    of_groups = [text for text in odd if re.split("[=@]", text.lstrip("+"))[0] in groups]
    wrong = of_groups or [text for text in odd if "." not in re.split("[=@]", text)[0]]
    return f"{' or '.join(wrong) or one_line(error)} is not an option; give the name of one"


def _key(error: Exception, overrides: Sequence[str], compose: Compose) -> str | None:
    found = re.search(r"Could not override '(.*?)'|override, but config group '(.*?)' does", str(error))
    if found is None or not isinstance(error, ConfigCompositionException):
        return None
    key = found[1] or found[2]
    others = [text for text in overrides if text.partition("=")[0] != key]
    for attempt in (others, []):
        try:
            return unknown_key(key, compose(attempt))
        except (HydraException, OmegaConfBaseException):
            continue
    return f"{key} is not a key"


def unknown_key(key: str, cfg: DictConfig) -> str:
    """Write the sentence for a key that the configuration lacks."""
    key, _, package = key.partition("@")
    group = package.removesuffix(f".{key}")
    if group != package and group in cfg.hydra.runtime.choices:  # Hydra looks for the key beside the file's own
        return f"{key} cannot be overridden by a file of {group} whose first line is not '# @package _global_'"
    if package:
        return f"{key}@{package} is not in the defaults list; write {key}=OPTION, or +{key}@{package}=OPTION to add it"
    groups = [str(name) for name in cfg.hydra.runtime.choices if not str(name).startswith("hydra/")]
    if "/" in key:
        return f"{key} is not a group{suggestion(key, groups)}"
    tree = OmegaConf.to_container(cfg, resolve=False)
    prefix, rest = "", key.split(".")
    while isinstance(tree, dict) and rest[0] in tree and len(rest) > 1:
        prefix, tree, rest = f"{prefix}{rest[0]}.", tree[rest[0]], rest[1:]
    if not isinstance(tree, dict):
        return f"{key} is not a key; {prefix[:-1]} is a single value"
    names = [str(name) for name in tree if not str(name).startswith("_")]
    if not prefix:
        names = [name for name in {*names, *groups} if name != "hydra"]
    if not prefix and len(rest) == 1 and isinstance(tree.get(key), dict):
        return f"{key} is not chosen here; it has the keys {', '.join(map(str, tree[key]))}"
    close = nearest(rest[0], names)
    if close is None and not prefix:
        return f"{key} is not a key{_same_leaf(rest[-1], tree) or suggestion(rest[0], names)}"
    tail = "".join(f".{name}" for name in rest[1:]) if close else ""
    hint = suggestion(rest[0], names, prefix).replace("?", f"{tail}?") if close else suggestion(rest[0], names)
    return f"{key} is not a key{hint}"


def _same_leaf(leaf: str, tree: object) -> str:
    """Find the full path of a key that was given without it: `latent_dim` is `model.latent_dim`."""
    found = [".".join(path) for path, _ in settings(tree) if path[-1] == leaf and path[0] != "hydra"]
    return f"; did you mean {min(found, key=len)}?" if found else ""
