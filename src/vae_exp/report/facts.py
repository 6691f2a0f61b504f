"""What a run is: its parts, its time and place, and the command that repeats it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any, NamedTuple

from vae_exp.nested import dict_at
from vae_exp.report.numbers import duration
from vae_exp.report.record import Record

Abouts = Mapping[str, Mapping[str, str]]
"""One line about each option of each group."""

STATES = {
    "done": "",
    "running": "This run is under way, or was ended by force; its final figures are not there yet.",
    "interrupted": "This run was stopped before its end.",
    "pruned": "This run was ended by the sweep, since others did better.",
    "failed": "This run failed.",
}


OF_SWEEPS = ("cluster", "sweep", "sweep.trial")
"""Keys that say how a run was started beside others."""


class Part(NamedTuple):
    """A part of a run: its group, the option chosen, a line about it, its settings and its parameters."""

    group: str
    option: str
    about: str
    settings: list[tuple[str, str]]
    parameters: str


def parts_of(record: Record, abouts: Abouts) -> list[Part]:
    """The data set, the parts of the model, the loss and the optimiser."""
    groups = ("data", *_with_parts(record, "model"), *_with_parts(record, "loss"), "optimizer", "lr_schedule")
    return [_part(record, abouts, group) for group in groups if _node(record, group)]


def facts_of(record: Record) -> list[tuple[str, str]]:
    """Names and values of what is known of when, where and how long the run went."""
    status, trainer = record.status, dict_at(record.settings, "trainer")
    wall = status.get("wall_seconds")
    versions = ", ".join(f"{name} {version}" for name, version in dict_at(status, "versions").items())
    facts = {
        "state": status.get("state"),
        "started": status.get("started"),
        "wall time": duration(wall) if isinstance(wall, int | float) and wall else None,
        "attempts": status.get("attempts"),
        "epochs at most": trainer.get("max_epochs"),
        "batch size": dict_at(record.settings, "data").get("batch_size"),
        "seed": record.settings.get("seed"),
        "precision": trainer.get("precision"),
        "device": status.get("device"),
        "host": status.get("host"),
        "python": status.get("python"),
        "versions": versions or None,
        "git commit": status.get("git_commit"),
    }
    return [(name, str(value)) for name, value in facts.items() if value is not None]


def title_of(record: Record) -> str:
    """The data set, the model and the loss, or the folder's name where they are not known."""
    named = [_option(record, group) for group in ("data", "model", "loss")]
    return " · ".join(name for name in named if name) or record.folder.absolute().name


def summary_of(record: Record) -> str:
    """Its size and its cost in a line; what the run has not noted is left out."""
    status, latents = record.status, _node(record, "model").get("latent_dim")
    size, wall = dict_at(status, "parameters").get("all"), status.get("wall_seconds")
    said = [
        f"{latents} latents" if latents is not None else "",
        f"{size:,} parameters" if isinstance(size, int) else "",
        duration(wall) if isinstance(wall, int | float) and wall else "",
        f"on {status['device']}" if "device" in status else "",
    ]
    return " · ".join(part for part in said if part)


def command_of(record: Record) -> str:
    """The command that repeats the run, in a folder of its own."""
    folders = [word for folder in record.config_dirs for word in ("--config-dir", folder)]
    own = [word for word in record.overrides if word.partition("=")[0].lstrip("+") not in OF_SWEEPS]
    return shlex.join(["vae-exp", "train", *folders, *own])


def state_of(record: Record) -> str:
    """What the reader must know of a run that is not done; "" of one that is."""
    state = record.status.get("state")
    text = STATES.get(str(state), "What became of this run is not known: it has no status.json.")
    if state == "failed":
        text += f" {record.status.get('error', '')}"
    return text


def go_on_command(record: Record) -> str:
    """The command by which a run that was stopped goes on, "" for one that was not."""
    stopped = record.status.get("state") in ("interrupted", "running")
    return f"{command_of(record)} {shlex.quote(f'hydra.run.dir={record.folder}')}" if stopped else ""


def _part(record: Record, abouts: Abouts, group: str) -> Part:
    option = _option(record, group)
    sizes = dict_at(record.status, "parameters")
    node = _node(record, group)
    size = sizes.get("all" if group == "model" else group.removeprefix("model/"))
    return Part(
        group=group,
        option=option,
        about=abouts.get(group, {}).get(option, ""),
        settings=[(key, _shown(value)) for key, value in node.items() if _is_value(key, value)],
        parameters=f"{size:,}" if isinstance(size, int) else "",
    )


def _with_parts(record: Record, group: str) -> list[str]:
    """A group and those of its parts: model, model/encoder, ...; loss, loss/schedule, ..."""
    parts = [name for name, value in _node(record, group).items() if isinstance(value, dict) and "_target_" in value]
    return [group, *(f"{group}/{name}" for name in parts)]


def _is_value(key: str, value: Any) -> bool:
    return not key.startswith("_") and not isinstance(value, dict)


def _shown(value: Any) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _option(record: Record, group: str) -> str:
    if group in record.choices:
        return record.choices[group]
    return str(_node(record, group).get("_target_", "")).rpartition(".")[2]


def _node(record: Record, group: str) -> dict[str, Any]:
    return dict_at(record.settings, *group.split("/"))
