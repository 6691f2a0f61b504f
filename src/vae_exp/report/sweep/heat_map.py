"""The heat maps of a page: one of each figure, in the grid of the settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vae_exp.report.sweep.axes import MOST, Axes
from vae_exp.report.sweep.heat import heat_of
from vae_exp.report.sweep.settings import Setting
from vae_exp.report.sweep.values import shown


def heats_of(settings: Sequence[Setting], figures: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The heat map of each figure: ends of the scale, and text and colour of each setting."""
    found = {}
    for name in figures:
        heat = heat_of(settings, name)
        if heat is not None:
            texts = (setting.means[name].text if name in setting.means else "" for setting in settings)
            end = f" ({heat.outside} beyond)" if heat.outside else ""
            cells = list(zip(texts, heat.shares, strict=True))
            found[name] = {"low": f"{heat.low:.5g}", "high": f"{heat.high:.5g}{end}", "cells": cells}
    return found


def heat_map(heats: Mapping[str, dict[str, Any]], figures: Sequence[str], axes: Axes) -> dict[str, Any] | None:
    """The heat map that the page begins with, with the names of its rows and columns; None where there is none."""
    if not heats:
        return None
    name = next(name for name in figures if name in heats)
    rows = f"Rows: {axes.row_name}; columns: {axes.column_name}." if axes.row_name else f"Columns: {axes.column_name}."
    names = {"rows": [shown(v) for v in axes.row_values], "columns": [shown(v) for v in axes.column_values]}
    return {"figure": name, "rows_by": rows, **names, **heats[name]}


def no_heat_map(axes: Axes, figures: Sequence[str]) -> str:
    """Why there is none."""
    if axes.column is None:
        return "Nothing but the seed varies."
    return (
        "No run is done."
        if axes.fits or not figures
        else f"A key has more than {MOST} values: see the table, and the plane."
    )
