"""Event files, and the charts made of them."""

import math

import pytest

from vae_exp.report.chart import Series, bar_chart, line_chart
from vae_exp.report.curves import curves_of, read_scalars
from vae_exp.report.meanings import Meaning
from vae_exp.report.polyline import MOST_POINTS

from .making import log


def test_what_was_logged_beyond_the_point_gone_on_from_is_dropped(tmp_path):
    log(tmp_path, {"val/nelbo": [9, 8, 7, 66, 66]})
    log(tmp_path, {"val/nelbo": [6, 5]}, first=3, restart=True)
    assert read_scalars(tmp_path / "tensorboard") == {"val/nelbo": ([0, 1, 2, 3, 4], [9, 8, 7, 6, 5])}


def test_a_file_that_was_cut_short_gives_what_it_has(tmp_path):
    log(tmp_path, {"val/nelbo": [9, 8, 7]})
    [file] = (tmp_path / "tensorboard").iterdir()
    file.write_bytes(file.read_bytes()[:-5])
    assert read_scalars(tmp_path / "tensorboard")["val/nelbo"] == ([0, 1], [9, 8])


@pytest.mark.parametrize("content", [b"", b"not an event", b"\0" * 100])
def test_a_broken_event_file_gives_nothing(tmp_path, content):
    (tmp_path / "events.out.tfevents.1.host").write_bytes(content)
    assert read_scalars(tmp_path) == {}


def test_no_event_file_gives_nothing(tmp_path):
    assert read_scalars(tmp_path / "absent") == {}


def test_curves_are_sorted_into_what_changes_and_what_does_not():
    steps = [0, 1, 2]
    scalars = {
        "train/rate": (steps, [1.0, 2.0, 3.0]),
        "val/rate": (steps, [1.0, 2.0, 2.5]),
        "val/rate/se": (steps, [0.1, 0.1, 0.1]),
        "val/alpha": (steps, [1.0, 2.0, 2.5]),
        "train/lr": (steps, [3.0, 2.0, 1.0]),
        "train/beta": (steps, [1.0, 1.0, 1.0]),
        "train/loss": (steps, [math.nan] * 3),
        "hparam/rate": ([0], [1.0]),
        "epoch": (steps, [0.0, 1.0, 2.0]),
    }
    curves = curves_of(scalars, {"rate": Meaning("nats", "")})
    assert [chart.title for chart in curves.main] == ["rate, nats", "alpha"]
    assert [line.label for line in curves.main[0].lines] == ["train", "val"]
    assert [bool(line.band) for line in curves.main[0].lines] == [False, True]
    assert [chart.title for chart in curves.more] == ["lr"]
    assert curves.constant == [("beta", "1")]
    assert curves.never_finite == ["loss"]


def points(path):
    return [tuple(map(float, pair.split(","))) for pair in path.replace("M", "L").split("L")[1:]]


def test_a_line_goes_where_its_values_are():
    chart = line_chart("x", [Series("val", [0, 50, 100], [0.0, 1.0, 0.5])])
    left, top, right, bottom = chart.frame
    (x0, y0), (x1, y1), (x2, y2) = points(chart.lines[0].path)
    assert (x0, x1, x2) == pytest.approx((left, (left + right) / 2, right), abs=0.1)
    assert bottom > y0 > y2 > y1 > top
    assert y2 == pytest.approx((y0 + y1) / 2, abs=0.1)
    at = {tick.label: tick.at for tick in chart.y_ticks}
    assert at["0"] == y0
    assert at["1"] == y1


def test_a_line_stops_where_values_are_not_finite():
    chart = line_chart("x", [Series("val", range(6), [1.0, 2.0, math.nan, 3.0, math.inf, 4.0])])
    [line] = chart.lines
    assert line.path.count("M") == 1
    assert len(line.dots) == 2
    assert "nan" not in line.path + repr(chart.y_ticks)


def test_a_single_point_is_a_dot():
    chart = line_chart("x", [Series("val", [0], [5.0], [0.1])])
    assert not chart.lines[0].path
    assert not chart.lines[0].band
    assert len(chart.lines[0].dots) == 1


def test_the_first_steps_do_not_flatten_the_rest():
    values = [1e4, *(100 - i / 10 for i in range(99))]
    chart = line_chart("x", [Series("train", range(100), values)])
    assert chart.cut
    ys = [y for _, y in points(chart.lines[0].path)]
    assert ys[0] < 0
    assert all(chart.frame[1] <= y <= chart.frame[3] for y in ys[1:])
    assert not line_chart("x", [Series("train", range(100), range(100))]).cut


def test_very_many_points_are_thinned_and_keep_their_spikes():
    values = [0.0] * 100_000
    values[54_321] = 1.0
    chart = line_chart("x", [Series("train", range(100_000), values)])
    drawn = points(chart.lines[0].path)
    assert len(drawn) <= MOST_POINTS + 2
    assert drawn == sorted(drawn, key=lambda point: point[0])
    assert min(y for _, y in drawn) == {tick.label: tick.at for tick in chart.y_ticks}["1"]


@pytest.mark.parametrize("values", [[0.0], [3.0, 1.0], [0.0, 0.0], [0.5] * 600])
def test_bars_stay_in_the_frame(values):
    chart = bar_chart("x", values, ["text"] * len(values))
    left, top, right, bottom = chart.frame
    assert len(chart.bars) == len(values)
    assert all(bar.width > 0 and left <= bar.x and bar.x + bar.width <= right + 0.5 for bar in chart.bars)
    assert all(bar.y >= top and bar.y + bar.height == pytest.approx(bottom) for bar in chart.bars)
