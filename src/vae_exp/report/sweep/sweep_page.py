"""The page of a sweep: which setting, and what it cost in rate and distortion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from vae_exp.report.facts import Abouts
from vae_exp.report.figures import STAGES
from vae_exp.report.meanings import Meaning, meaning_of
from vae_exp.report.numbers import duration
from vae_exp.report.page import render
from vae_exp.report.sweep.axes import Axes, axes_of
from vae_exp.report.sweep.best import best_of
from vae_exp.report.sweep.gallery import Gallery, gallery_of
from vae_exp.report.sweep.heat_map import heat_map, heats_of, no_heat_map
from vae_exp.report.sweep.importance import importance_of
from vae_exp.report.sweep.links import link
from vae_exp.report.sweep.objective import Objective
from vae_exp.report.sweep.plane import planes_of
from vae_exp.report.sweep.plot import Plot
from vae_exp.report.sweep.runs import Run
from vae_exp.report.sweep.script import data_of, script_of
from vae_exp.report.sweep.settings import Setting, settings_of
from vae_exp.report.sweep.tables import ROWS, csv_of, figures_of, runs_table, settings_table
from vae_exp.report.sweep.trouble import counts_of, troubles_of
from vae_exp.report.sweep.units import units_of
from vae_exp.report.sweep.values import LATENTS, shown
from vae_exp.report.sweep.variation import Variation, variation

COLOURS = 14
"""Values beyond which only some of the colours are explained."""


class SweepReport(NamedTuple):
    """What is written: the page, the runs as csv, and the plots in SVG by the names of their files."""

    page: str
    csv: str
    plots: dict[str, str]


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
    heats = heats_of(settings, figures) if axes.column and axes.fits else {}
    stages = [stage for stage in reversed(STAGES) if any(name.startswith(f"{stage}/") for name in figures)]
    planes = [plane for stage in stages for plane in planes_of(settings, varies, axes, stage)]
    units = [plot for stage in stages if (plot := units_of(settings, varies, axes, stage))]
    colours = _colours(axes)
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
        "heat": heat_map(heats, figures, axes),
        "no_heat": no_heat_map(axes, figures),
        "figures": list(heats),
        "colours": colours,
        "planes": planes,
        "units": units,
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
        "data": data_of(tables, heats, figures),
        "script": script_of(),
    }
    plots = {_file_of(plot): _picture(plot, colours) for plot in (*planes, *units)}
    return SweepReport(render("sweep.html.j2", content), csv_of(runs, varies, figures), plots)


def _file_of(plot: Plot) -> str:
    return f"{plot.title.lower().replace(' ', '_')}.svg"


def _picture(plot: Plot, colours: Mapping[str, Any]) -> str:
    named = bool(colours["name"]) and len(colours["marks"]) <= COLOURS
    return render("plot.svg.j2", {"plot": plot, "colours": colours, "named": named})


def _title(folders: Sequence[Path]) -> str:
    names = [folder.absolute().name for folder in folders]
    return (
        f"Sweep {names[0]}"
        if len(names) == 1
        else f"{len(names)} folders: {', '.join(names[:3])}{', ...' if len(names) > 3 else ''}"
    )


def _summary(runs: Sequence[Run], settings: Sequence[Setting], varies: Variation) -> str:
    keys = [
        f"{varies.labels[key]} ({len({v[place] for v in varies.values} - {None})} values)"
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
        several = axes.left_out > 1
        count = f"{axes.left_out} combination{'s' if several else ''} of the other keys {'are' if several else 'is'}"
        said.append(f"{count} left out of the heat maps and the pictures.")
    return said


def _colours(axes: Axes) -> dict[str, Any]:
    marks = [(shown(value), round(axes.share(value), 3)) for value in axes.column_values if value is not None]
    if len(marks) > COLOURS:
        marks = [marks[0], marks[len(marks) // 2], marks[-1]]
    return {"name": axes.column_name, "marks": marks}


def _links(runs: Sequence[Run], gallery: Gallery, view: str, out: Path) -> dict[int, str]:
    thumbs = (t for sheet in gallery.views[view] for _, cells in sheet.rows for cell in cells for t in cell.thumbs)
    return {thumb.run: link(runs[thumb.run].folder / "images" / f"{view}.png", out) for thumb in thumbs}
