"""The figures of a run as rows of a table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from vae_exp.report.chart import Chart, bar_chart
from vae_exp.report.meanings import Meaning, in_order, meaning_of
from vae_exp.report.numbers import with_error

STAGES = ("val", "test")
NOT_FINITE = "not finite"


class Row(NamedTuple):
    """One figure: name, meaning, and for each stage the value with its standard error, "" where there is none."""

    name: str
    meaning: Meaning
    cells: list[str]


class Latents(NamedTuple):
    """What the latent dimensions carry.

    Args:
        summary: How many are active, and how many carry most of the rate.
        chart: KL of each dimension, the highest first.
        rows: The dimensions in that order, each with its KL in nats and its share of the highest in percent.
    """

    summary: str
    chart: Chart
    rows: list[tuple[int, str, float]]


def rows_of(figures: Mapping[str, Any], meanings: Mapping[str, Meaning]) -> tuple[list[str], list[Row]]:
    """The stages that have figures, and a row for each figure that is a number."""
    numbers = {key: value for key, value in figures.items() if _is_number(value) and not key.endswith("/se")}
    stages = [stage for stage in STAGES if any(key.startswith(f"{stage}/") for key in numbers)]
    names = {key.partition("/")[2] for key in numbers if key.partition("/")[0] in stages}
    return stages, [
        Row(name, meaning_of(name, meanings), [_cell(figures, f"{stage}/{name}") for stage in stages])
        for name in in_order(names, meanings)
    ]


def latents_of(figures: Mapping[str, Any]) -> Latents | None:
    """What the latent dimensions carry, None where no metric says so."""
    for stage in reversed(STAGES):
        given = figures.get(f"{stage}/kl_per_dim")
        if isinstance(given, list) and given and all(_is_number(v) and v is not None for v in given):
            active = figures.get(f"{stage}/active_units")
            said = f"{active:g} of {len(given)} latents are active: " if isinstance(active, int | float) else ""
            said += "their posterior mean varies over the data. " if said else ""
            return _latents(stage, given, said)
    return None


def _latents(stage: str, given: Sequence[float], said: str) -> Latents:
    kl = [max(float(value), 0.0) for value in given]  # an estimate can be a little below
    order = sorted(range(len(kl)), key=lambda dim: -kl[dim])
    total, ranked = sum(kl), [kl[dim] for dim in order]
    carriers = next((n for n in range(len(kl) + 1) if sum(ranked[:n]) >= 0.9 * total), len(kl))
    texts = [f"latent {dim}: {kl[dim]:.3g} nats" for dim in order]
    return Latents(
        summary=f"{said}All of them carry {total:.4g} nats, nine tenths of it in {carriers} ({stage} set).",
        chart=bar_chart("KL of each latent, highest first, nats", ranked, texts),
        rows=[(dim, f"{kl[dim]:.3f}", round(100 * kl[dim] / (ranked[0] or 1.0), 1)) for dim in order],
    )


def _cell(figures: Mapping[str, Any], key: str) -> str:
    if not _is_number(figures.get(key, "")):
        return ""
    value, error = figures[key], figures.get(f"{key}/se")
    return NOT_FINITE if value is None else with_error(value, error if _is_number(error) else None)


def _is_number(value: Any) -> bool:
    """Whether a figure is a number; null stands for one that is not finite."""
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value))
