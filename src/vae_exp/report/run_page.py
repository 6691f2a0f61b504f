"""The page of one run: whether it is good, what each latent learned, what is wrong with it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from vae_exp.analysis.diagnosis import diagnose
from vae_exp.report.curves import Scalars, curves_of, read_scalars
from vae_exp.report.facts import Abouts, command_of, facts_of, go_on_command, parts_of, state_of, summary_of, title_of
from vae_exp.report.figures import Row, latents_of, rows_of
from vae_exp.report.meanings import read_meanings
from vae_exp.report.page import render
from vae_exp.report.pictures import pictures_in
from vae_exp.report.record import Record

TILES = 6
"""Figures at the top of the page."""


def run_page(record: Record, abouts: Abouts, folders: Sequence[Path]) -> str:
    """The page of a run, with whatever its folder has; the same for the same folder.

    Args:
        record: The run.
        abouts: One line about each option of each group; those of the group `view` are captions.
        folders: Folders of configuration, whose metrics say what their figures mean.
    """
    meanings = read_meanings(folders, record.settings.get("metrics") or {})
    stages, rows = rows_of(record.figures, meanings)
    scalars = read_scalars(record.folder / "tensorboard")
    pictures, unread = pictures_in(record.folder / "images", abouts.get("view", {}))
    run = shlex.quote(f"run={record.folder}")
    content: dict[str, Any] = {
        "title": title_of(record),
        "folder": str(record.folder),
        "summary": summary_of(record),
        "state": record.status.get("state", "unknown"),
        "notice": state_of(record),
        "go_on": go_on_command(record),
        "warnings": [*_diagnosis(record, scalars), *record.unread, *unread],
        "stages": stages,
        "rows": rows,
        "tiles": [_tile(stages, row) for row in rows[:TILES]],
        "curves": curves_of(scalars, meanings),
        "latents": latents_of(record.figures),
        "pictures": pictures,
        "parts": parts_of(record, abouts),
        "facts": facts_of(record),
        "overrides": record.overrides,
        "command": command_of(record),
        "more_views": f"vae-exp evaluate {run} view=all" if "view" in abouts else "",
        "more_figures": f"vae-exp evaluate {run}",
        "raw_figures": "\n".join(f"{name}: {json.dumps(value)}" for name, value in record.figures.items()),
        "config": yaml.safe_dump(record.settings, sort_keys=False, allow_unicode=True) if record.settings else "",
    }
    return render("run.html.j2", content)


def _tile(stages: list[str], row: Row) -> tuple[str, str, str, str]:
    """Name, stage, value and unit of a figure: on the test set, where it is there."""
    stage, value = [(stage, cell) for stage, cell in zip(stages, row.cells, strict=True) if cell][-1]
    return row.name, stage, value, row.meaning.unit


def _diagnosis(record: Record, scalars: Scalars) -> list[str]:
    """Warnings worth having of this run, from its figures and the last values of its curves."""
    last = {tag: values[-1] for tag, (_, values) in scalars.items() if tag.startswith("train/")}
    if not record.figures:
        return []
    return diagnose({**last, **record.figures}, record.settings, record.status.get("schedules", {}))
