"""The page of a sweep: which setting, and what it cost in rate and distortion."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from vae_exp.report.facts import Abouts
from vae_exp.report.figures import STAGES
from vae_exp.report.meanings import Meaning, meaning_of
from vae_exp.report.numbers import duration
from vae_exp.report.page import TEMPLATES, render
from vae_exp.report.sweep.axes import MOST, Axes, axes_of
from vae_exp.report.sweep.best import best_of
from vae_exp.report.sweep.gallery import Gallery, gallery_of
from vae_exp.report.sweep.heat import heat_of
from vae_exp.report.sweep.importance import importance_of
from vae_exp.report.sweep.links import link
from vae_exp.report.sweep.objective import Objective
from vae_exp.report.sweep.plane import planes_of
from vae_exp.report.sweep.runs import Run
from vae_exp.report.sweep.settings import Setting, settings_of
from vae_exp.report.sweep.tables import ROWS, Table, csv_of, figures_of, runs_table, settings_table
from vae_exp.report.sweep.trouble import counts_of, troubles_of
from vae_exp.report.sweep.units import units_of
from vae_exp.report.sweep.values import LATENTS, shown
from vae_exp.report.sweep.variation import Variation, variation

COLOURS = 14
"""Values beyond which only some of the colours are explained."""


class SweepReport(NamedTuple):
    """What is written: the page, and the table of runs as csv."""

    page: str
    csv: str


def sweep_report(
    runs: Sequence[Run],
    folders: Sequence[Path],
    objective: Objective,
    abouts: Abouts,
    meanings: Mapping[str, Meaning],
    out: Path,
) -> SweepReport:
    """Make the page about runs, whatever became of them.

    Args:
        runs: The runs.
        folders: The folders that the user named.
        objective: What they are compared by.
        abouts: One line about each option of each group; those of the group `view` are captions.
        meanings: Units of figures, those first that stand first here.
        out: Where the page will lie; links are relative to it.
    """
    varies = variation(runs)
    settings = settings_of(runs, varies)
    axes = axes_of(settings, varies)
    figures = figures_of(runs, objective, meanings)
    gallery = gallery_of(runs, settings, varies, axes)
    tables = [
        settings_table(settings, runs, varies, figures, objective),
        runs_table(runs, varies, figures, objective, out),
    ]
    heats = _heats(settings, figures) if axes.column and axes.fits else {}
    stages = [stage for stage in reversed(STAGES) if any(name.startswith(f"{stage}/") for name in figures)]
    content: dict[str, Any] = {
        "title": _title(folders),
        "folders": [str(folder) for folder in folders],
        "counts": counts_of(runs),
        "summary": _summary(runs, settings, varies),
        "notices": _notices(runs, axes),
        "objective": objective.metric,
        "maximize": objective.maximize,
        "unit": meaning_of(objective.metric.partition("/")[2], meanings).unit,
        "best": best_of(runs, settings, varies, objective, out),
        "axes": axes,
        "heat": _heat(heats, figures, axes),
        "no_heat": _no_heat(axes, figures),
        "figures": list(heats),
        "colours": _colours(axes),
        "planes": [plane for stage in stages for plane in planes_of(settings, varies, axes, stage)],
        "units": [plot for stage in stages if (plot := units_of(settings, varies, axes, stage))],
        "no_units": "No finished run has counted them." if LATENTS in varies.keys else "latent_dim does not vary.",
        "gallery": gallery,
        "gallery_links": {view: _links(runs, gallery, view, out) for view in gallery.views},
        "names": [run.name for run in runs],
        "captions": {view: abouts.get("view", {}).get(view, "") for view in gallery.views},
        "importance": importance_of(runs, varies, figures[0] if figures else objective.metric),
        "settings": tables[0],
        "runs": tables[1],
        "ROWS": ROWS,
        "names_of_sets": "val/ is of the validation set, test/ of the test set, both at beta = 1 whatever the loss.",
        "troubles": troubles_of(runs, out),
        "data": _data(tables, heats, figures),
        "script": _script(),
    }
    return SweepReport(render("sweep.html.j2", content), csv_of(runs, varies, figures))


def _title(folders: Sequence[Path]) -> str:
    names = [folder.absolute().name for folder in folders]
    return (
        f"Sweep {names[0]}"
        if len(names) == 1
        else f"{len(names)} folders: {', '.join(names[:3])}{', ...' if len(names) > 3 else ''}"
    )


def _summary(runs: Sequence[Run], settings: Sequence[Setting], varies: Variation) -> str:
    keys = [
        f"{varies.labels[key]} ({len({v[place] for v in varies.values})} values)"
        for place, key in enumerate(varies.keys)
    ]
    seconds = sum(run.seconds for run in runs)
    said = f"{len(runs)} run{'s' if len(runs) > 1 else ''}, {len(settings)} setting{'s' if len(settings) > 1 else ''}"
    said += f"; what varies: {', '.join(keys)}" if keys else "; nothing varies"
    return f"{said}. All of them took {duration(seconds)}." if seconds else f"{said}."


def _notices(runs: Sequence[Run], axes: Axes) -> list[str]:
    lost = sum(run.state == "done" and any(value is None for value in run.figures.values()) for run in runs)
    said = (
        [f"{lost} finished runs have figures that are not finite; no mean is taken over such a figure."] if lost else []
    )
    if axes.left_out:
        said.append(f"{axes.left_out} combinations of the other keys are left out of the heat maps and the pictures.")
    return said


def _heats(settings: Sequence[Setting], figures: Sequence[str]) -> dict[str, dict[str, Any]]:
    found = {}
    for name in figures:
        heat = heat_of(settings, name)
        if heat is not None:
            texts = (setting.means[name].text if name in setting.means else "" for setting in settings)
            end = f" ({heat.outside} beyond)" if heat.outside else ""
            cells = list(zip(texts, heat.shares, strict=True))
            found[name] = {"low": f"{heat.low:.5g}", "high": f"{heat.high:.5g}{end}", "cells": cells}
    return found


def _heat(heats: Mapping[str, dict[str, Any]], figures: Sequence[str], axes: Axes) -> dict[str, Any] | None:
    if not heats:
        return None
    name = next(name for name in figures if name in heats)
    rows = f"Rows: {axes.row_name}; columns: {axes.column_name}." if axes.row_name else f"Columns: {axes.column_name}."
    names = {"rows": [shown(v) for v in axes.row_values], "columns": [shown(v) for v in axes.column_values]}
    return {"figure": name, "rows_by": rows, **names, **heats[name]}


def _no_heat(axes: Axes, figures: Sequence[str]) -> str:
    if axes.column is None:
        return "Nothing but the seed varies."
    return (
        "No run is done."
        if axes.fits or not figures
        else f"A key has more than {MOST} values: see the table, and the plane."
    )


def _colours(axes: Axes) -> dict[str, Any]:
    marks = [(shown(value), round(axes.share(value), 3)) for value in axes.column_values]
    if len(marks) > COLOURS:
        marks = [marks[0], marks[len(marks) // 2], marks[-1]]
    return {"name": axes.column_name, "marks": marks}


def _links(runs: Sequence[Run], gallery: Gallery, view: str, out: Path) -> dict[int, str]:
    thumbs = (t for sheet in gallery.views[view] for _, cells in sheet.rows for cell in cells for t in cell.thumbs)
    return {thumb.run: link(runs[thumb.run].folder / "images" / f"{view}.png", out) for thumb in thumbs}


def _data(tables: Sequence[Table], heats: Mapping[str, Any], figures: Sequence[str]) -> Any:
    from markupsafe import Markup

    content = {
        "tables": {
            table.name: {"columns": table.columns, "rows": table.rows, "links": table.links} for table in tables
        },
        "heat": heats,
        "rows": ROWS,
        "example": figures[0] if figures else "seconds",
    }
    text = json.dumps(content, separators=(",", ":"))
    # Within a script nothing is unescaped: what could end it is written in the way of JSON.
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _script() -> dict[str, Any]:
    from markupsafe import Markup

    text = (TEMPLATES / "sweep.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return {"text": Markup(text), "hash": Markup(f"sha256-{digest}")}
