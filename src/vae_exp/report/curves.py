"""What a run logged over its steps, from its TensorBoard event files."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from vae_exp.report.chart import Chart, Series, line_chart
from vae_exp.report.meanings import Meaning, in_order, meaning_of

Scalars = dict[str, tuple[list[int], list[float]]]
STAGES = ("train", "val")


class Curves(NamedTuple):
    """The charts of a run.

    Args:
        main: What is measured in validation, beside the same in training.
        more: What is logged in training alone: weights, learning rate, gradients.
        constant: What never changed, with its value.
        never_finite: What was never a finite number.
    """

    main: list[Chart]
    more: list[Chart]
    constant: list[tuple[str, str]]
    never_finite: list[str]


def read_scalars(folder: Path) -> Scalars:
    """Steps and values of each scalar; what attempts that were gone on from had logged beyond is dropped.

    Args:
        folder: Of event files. Files that are cut short or broken give what can be read of them.
    """
    if not any(folder.glob("events.out.tfevents.*")):
        return {}
    # Half a second that pages of runs without curves should not wait for.
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    logging.getLogger("tensorboard").setLevel(logging.ERROR)  # it warns of each file that was cut short
    # 0 keeps all of a kind; of pictures and histograms one is the least.
    sizes = {"scalars": 0, "images": 1, "histograms": 1, "compressedHistograms": 1, "audio": 1, "tensors": 1}
    events = EventAccumulator(str(folder), size_guidance=sizes)
    events.Reload()
    found = {tag: events.Scalars(tag) for tag in events.Tags()["scalars"]}
    return {tag: ([e.step for e in all_], [e.value for e in all_]) for tag, all_ in sorted(found.items())}


def curves_of(scalars: Scalars, meanings: Mapping[str, Meaning]) -> Curves:
    """Lay out the charts.

    Args:
        scalars: What was logged, by names such as `val/nelbo`.
        meanings: Units of figures, those first that stand first here.
    """
    names = {tag.partition("/")[2] for tag in scalars if tag.partition("/")[0] in STAGES and not tag.endswith("/se")}
    found = Curves([], [], [], [])
    for name in in_order(names, meanings):
        series = [_series(scalars, stage, name) for stage in STAGES if f"{stage}/{name}" in scalars]
        values = {value for s in series for value in s.values}
        if not any(math.isfinite(value) for value in values):
            found.never_finite.append(name)
        elif len(values) == 1:
            found.constant.append((name, f"{values.pop():g}"))
        else:
            unit = meaning_of(name, meanings).unit
            chart = line_chart(f"{name}, {unit}" if unit else name, series)
            (found.main if f"val/{name}" in scalars else found.more).append(chart)
    return found


def _series(scalars: Scalars, stage: str, name: str) -> Series:
    steps, values = scalars[f"{stage}/{name}"]
    at, errors = scalars.get(f"{stage}/{name}/se", ([], []))
    return Series(stage, steps, values, errors if at == steps else ())
