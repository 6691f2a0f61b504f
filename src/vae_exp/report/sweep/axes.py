"""Along which two keys the settings of a sweep are laid out, in heat maps, in the plane and in rows of pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from vae_exp.report.sweep.settings import Setting
from vae_exp.report.sweep.values import BETA, LATENTS, SEED, Value, named, order
from vae_exp.report.sweep.variation import Variation

MOST = 40
"""Values of a key beyond which a grid of it is no picture any more."""
MOST_SLICES = 12


class Slice(NamedTuple):
    """The settings that agree in all other keys than the two axes.

    Args:
        title: What they agree in; "" where there is no other key.
        grid: For each row and column the numbers of the settings there: one, or none.
    """

    title: str
    grid: list[list[int | None]]


class Axes(NamedTuple):
    """The layout of the settings.

    Args:
        row: The key of the rows, None where only one key varies.
        column: The key of the columns, None where only seeds vary.
        row_values: Its values, in order; one None without a key.
        column_values: Likewise.
        slices: One for each combination of the other keys, those with the most settings where there are many.
        left_out: Combinations beyond these.
        row_name: What the key of the rows is called; "" without one.
        column_name: Likewise.
    """

    row: str | None
    column: str | None
    row_values: list[Value]
    column_values: list[Value]
    slices: list[Slice]
    left_out: int
    row_name: str
    column_name: str

    @property
    def fits(self) -> bool:
        """Whether a grid of them can be looked at."""
        return max(len(self.row_values), len(self.column_values)) <= MOST

    def place(self, varies: Variation, setting: Setting) -> tuple[Value, Value]:
        """The values of a setting along the two axes."""
        return self.value(varies, setting, self.row), self.value(varies, setting, self.column)

    def value(self, varies: Variation, setting: Setting, key: str | None) -> Value:
        """The value of a setting along one of them."""
        return None if key is None else setting.values[varies.keys.index(key)]

    def share(self, value: Value) -> float:
        """Where a value of the columns stands among them, from 0 to 1: its colour."""
        return self.column_values.index(value) / max(len(self.column_values) - 1, 1)


def axes_of(settings: Sequence[Setting], varies: Variation) -> Axes:
    """Choose the axes: latent_dim and beta where they vary, otherwise the keys with the most values."""
    keys = [key for key in varies.keys if key != SEED]
    values = {key: sorted({s.values[place] for s in settings}, key=order) for place, key in enumerate(keys)}
    ranked = sorted(keys, key=lambda key: (key not in (LATENTS, BETA), len(values[key]) > MOST, -len(values[key]), key))
    row, column = _row_and_column(ranked[:2])
    rows: list[Value] = values[row] if row else [None]
    columns: list[Value] = values[column] if column else [None]
    axes = Axes(
        row, column, rows, columns, [], 0, varies.labels[row] if row else "", varies.labels[column] if column else ""
    )
    return axes._replace(**_slices(settings, varies, axes)) if axes.fits else axes


def _row_and_column(chosen: Sequence[str]) -> tuple[str | None, str | None]:
    if not chosen:
        return None, None
    column = BETA if BETA in chosen else next((key for key in chosen if key != LATENTS), chosen[0])
    return next((key for key in chosen if key != column), None), column


def _slices(settings: Sequence[Setting], varies: Variation, axes: Axes) -> dict[str, Any]:
    keys = [key for key in varies.keys if key != SEED]
    others = [place for place, key in enumerate(keys) if key not in (axes.row, axes.column)]
    rests = [tuple(setting.values[place] for place in others) for setting in settings]
    kept = [rest for rest, _ in Counter(rests).most_common(MOST_SLICES)]
    empty = [[None] * len(axes.column_values) for _ in axes.row_values]
    grids: dict[tuple[Value, ...], list[list[int | None]]] = {rest: [list(line) for line in empty] for rest in kept}
    rows, columns = ({v: i for i, v in enumerate(some)} for some in (axes.row_values, axes.column_values))
    for setting, rest in zip(settings, rests, strict=True):
        if rest in grids:
            row, column = axes.place(varies, setting)
            grids[rest][rows[row]][columns[column]] = setting.number
    names = [varies.labels[keys[place]] for place in others]
    slices = [Slice(named(names, rest), grid) for rest, grid in sorted(grids.items(), key=lambda item: _by(item[0]))]
    return {"slices": slices, "left_out": len(set(rests)) - len(slices)}


def _by(rest: tuple[Value, ...]) -> list[tuple[int, float, str]]:
    return [order(value) for value in rest]
