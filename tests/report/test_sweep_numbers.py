"""The numbers of a sweep's page: what varies, means over seeds, what is best, what matters."""

import csv
import io
import itertools
import math
import statistics

import numpy as np
import pytest

from vae_exp.report.sweep import importance
from vae_exp.report.sweep.axes import axes_of
from vae_exp.report.sweep.heat import heat_of, range_of
from vae_exp.report.sweep.importance import FEWEST, importance_of
from vae_exp.report.sweep.plane import planes_of
from vae_exp.report.sweep.plot import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH
from vae_exp.report.sweep.settings import mean_of
from vae_exp.report.sweep.units import units_of
from vae_exp.report.sweep.values import given
from vae_exp.sweeps.plan import write_plan

from .making import write_json
from .sweeping import figures, make_sweep, put_run, report_of, settings_in


def test_values_are_the_same_however_they_were_written():
    lines = [
        "loss.beta=0.50",
        "+model.latent_dim=8",
        "model=conv",
        "~data.size",
        "seed='3'",
        "a=[1, 2]",
        "hydra.job.x=1",
        "data.root=/x",
    ]
    expected = {
        "loss.beta": 0.5,
        "model.latent_dim": 8.0,
        "model": "conv",
        "data.size": "deleted",
        "seed": "3",
        "a": "[1, 2]",
    }
    assert given(lines) == expected


def test_a_value_that_was_not_given_is_that_of_the_configuration(tmp_path):
    put_run(tmp_path / "a", ["loss.beta=2"], {})
    put_run(tmp_path / "b", ["seed=7", "data=digits"], {})  # beta 4, seed 5 and data=mnist_5k are in the files
    varies, runs, _ = settings_in(tmp_path)
    assert dict(zip([run.name for run in runs], varies.values, strict=True)) == {
        "a": (2.0, "mnist_5k", 5.0),
        "b": (4.0, "digits", 7.0),
    }
    assert varies.keys == ["loss.beta", "data", "seed"]


def test_an_interpolation_is_resolved(tmp_path):
    put_run(tmp_path / "a", ["data.seed=3", "seed=1"], {})
    put_run(tmp_path / "b", ["seed=1"], {})  # data.seed is ${seed}, 5 in the file
    varies, _, _ = settings_in(tmp_path)
    assert (varies.keys, varies.values) == (["data.seed"], [(3.0,), (5.0,)])


def test_means_and_standard_errors_are_over_seeds(tmp_path):
    varies, runs, settings = settings_in(make_sweep(tmp_path, pictures=False))
    assert (len(runs), len(settings), varies.keys[-1]) == (27, 9, "seed")
    [setting] = [s for s in settings if s.values == ("digits", 4.0, 0.5)[1:]]
    own = [10 / 0.5 + 4 + seed + 105 for seed in (0, 1, 2)]
    mean = setting.means["test/nelbo"]
    assert mean.mean == pytest.approx(np.mean(own))
    assert mean.error == pytest.approx(np.std(own, ddof=1) / math.sqrt(3))
    assert mean.seeds == 3


def test_a_single_seed_has_no_error_and_a_lost_one_no_mean():
    assert mean_of([3.0]) == (3.0, None, 1, 0)
    assert mean_of([3.0, None, 5.0]) == (None, None, 3, 1)
    assert mean_of([3.0, None, 5.0]).text == "not finite (1 of 3)"
    assert mean_of([2.0, 4.0]).text == "3.0 ± 1.0"


@pytest.mark.parametrize("state", ["failed", "interrupted", "running", "pruned"])
def test_a_run_that_is_not_done_enters_no_mean(tmp_path, state):
    make_sweep(tmp_path, (2,), (1,), (0, 1), pictures=False)
    put_run(
        tmp_path / "late",
        ["data=digits", "model.latent_dim=2", "loss.beta=1", "seed=2"],
        figures(1e6, 1e6),
        state=state,
    )
    _, runs, [setting] = settings_in(tmp_path)
    assert len(setting.runs) == 3
    assert setting.means["val/rate"].seeds == 2
    assert setting.means["val/rate"].mean == pytest.approx(10 + 2 + 0.5)
    assert "late" not in [run.name for run in runs if run.figures]


def test_the_same_seed_twice_is_not_two_seeds(tmp_path):
    one, two = make_sweep(tmp_path / "one", pictures=False), make_sweep(tmp_path / "two", pictures=False)
    varies, runs, settings = settings_in(one, two)
    assert (len(runs), len(settings), varies.keys[0]) == (54, 18, "folder")
    assert all(setting.means["val/rate"].seeds == 3 for setting in settings)
    _, runs, settings = settings_in(one, one, one / "latent_dim-2--beta-1--seed-0")
    assert (len(runs), len(settings)) == (27, 9)


def test_latent_dim_is_down_and_beta_across_and_the_rest_apart(tmp_path):
    plan = {}
    for latent, beta, lr in itertools.product((2, 4), (1, 2), (0.1, 0.2, 0.3)):
        name = f"{latent}-{beta}-{lr}"
        plan[name] = [f"optimizer.lr={lr}", f"loss.beta={beta}", f"model.latent_dim={latent}"]
        put_run(tmp_path / name, plan[name], figures(latent, beta))
    write_plan(tmp_path, plan)
    varies, _, settings = settings_in(tmp_path)
    axes = axes_of(settings, varies)
    assert (axes.row_name, axes.column_name) == ("latent_dim", "beta")
    assert [part.title for part in axes.slices] == ["lr 0.1", "lr 0.2", "lr 0.3"]
    for part in axes.slices:
        for i, j in itertools.product(range(2), range(2)):
            figure = settings[part.grid[i][j]].means
            assert (figure["val/rate"].mean, figure["test/distortion"].mean) == (
                axes.row_values[i],
                axes.column_values[j],
            )


def test_a_heat_map_is_not_flattened_by_what_diverged(tmp_path):
    assert range_of([1.0, 2.0, 3.0, 4.0, 5.0, 1e9]) == (1.0, 5.0)
    assert range_of([1.0, 9.0]) == (1.0, 9.0)
    _, _, settings = settings_in(make_sweep(tmp_path, pictures=False))
    heat = heat_of(settings, "test/nelbo")
    means = [setting.means["test/nelbo"].mean for setting in settings]
    assert heat.shares[means.index(min(means))] == 0
    assert heat.shares[means.index(max(means))] == 1
    assert heat_of(settings, "test/absent") is None


def test_points_of_the_plane_are_where_rate_and_distortion_are(tmp_path):
    varies, _, settings = settings_in(make_sweep(tmp_path, pictures=False))
    [plane] = planes_of(settings, varies, axes_of(settings, varies), "test")
    assert len(plane.marks) == 9
    by_number = {mark.setting: mark for mark in plane.marks}
    # Two settings of one distortion are at one height; more rate is further right; more distortion is higher up.
    rate = {s.number: s.means["test/rate"].mean for s in settings}
    distortion = {s.number: s.means["test/distortion"].mean for s in settings}
    for a, b in itertools.combinations(by_number, 2):
        assert (rate[a] < rate[b]) == (by_number[a].x < by_number[b].x)
        assert (distortion[a] < distortion[b]) == (by_number[a].y > by_number[b].y)
    assert all(LEFT <= mark.x <= WIDTH - RIGHT and TOP <= mark.y <= HEIGHT - BOTTOM for mark in plane.marks)
    assert [curve.label for curve in plane.curves] == ["2", "4", "8"]


def test_rules_of_the_plane_are_lines_of_equal_sums(tmp_path):
    varies, _, settings = settings_in(make_sweep(tmp_path, pictures=False))
    [plane] = planes_of(settings, varies, axes_of(settings, varies), "val")
    x0, x1 = (tick for tick in (plane.x_ticks[0], plane.x_ticks[-1]))
    y0, y1 = (tick for tick in (plane.y_ticks[0], plane.y_ticks[-1]))
    across = (float(x1.label) - float(x0.label)) / (x1.at - x0.at)
    up = (float(y1.label) - float(y0.label)) / (y1.at - y0.at)
    assert len(plane.rules) > 3
    for rule in plane.rules:
        for pair in rule.path.replace("M", "").split("L"):
            x, y = map(float, pair.split(","))
            total = float(x0.label) + (x - x0.at) * across + float(y0.label) + (y - y0.at) * up
            assert total == pytest.approx(float(rule.label), abs=0.15)


def test_a_model_without_a_rate_has_no_point_and_grey_pixels_have_a_plane_of_their_own(tmp_path):
    put_run(tmp_path / "vae", ["loss=elbo"], figures(5, 100))
    put_run(tmp_path / "ae", ["loss=ae"], {"test/distortion": 90.0})
    put_run(tmp_path / "grey", ["loss=iwae"], {"test/distortion_bce": 190.0, "test/rate": 6.0, "test/nelbo_bce": 196.0})
    varies, _, settings = settings_in(tmp_path)
    plain, grey = planes_of(settings, varies, axes_of(settings, varies), "test")
    assert [mark.text.split(":")[0] for mark in plain.marks] == ["loss elbo"]
    assert [mark.text.split(":")[0] for mark in grey.marks] == ["loss iwae"]
    assert "distortion_bce" in grey.title
    assert planes_of([s for s in settings if s.values == ("ae",)], varies, axes_of(settings, varies), "test") == []


def test_active_units_rise_with_the_size(tmp_path):
    varies, _, settings = settings_in(make_sweep(tmp_path, (2, 4, 8, 16), (1, 4), pictures=False))
    chart = units_of(settings, varies, axes_of(settings, varies), "test")
    assert [tick.label for tick in chart.x_ticks] == ["2", "4", "8", "16"]
    steps = {round(b.at - a.at, 0) for a, b in itertools.pairwise(chart.x_ticks)}
    assert len(steps) == 1  # equal ratios
    for mark in chart.marks:
        [tick] = [tick for tick in chart.x_ticks if abs(tick.at - mark.x) < 10]
        assert f"latent_dim {tick.label}, " in mark.text
        assert f"{tick.label}.00 ± 0.00 active units (3 seeds)" in mark.text


def test_the_best_is_chosen_by_the_objective_and_never_on_the_test_set(tmp_path):
    put_run(tmp_path / "a", ["loss.beta=1", "seed=0"], {"val/nelbo": 10.0, "test/nelbo": 99.0})
    put_run(tmp_path / "b", ["loss.beta=1", "seed=1"], {"val/nelbo": 20.0, "test/nelbo": 98.0})
    put_run(tmp_path / "c", ["loss.beta=2", "seed=0"], {"val/nelbo": 12.0, "test/nelbo": 1.0})
    put_run(tmp_path / "d", ["loss.beta=2", "seed=1"], {"val/nelbo": 13.0, "test/nelbo": 1.0})
    put_run(tmp_path / "e", ["loss.beta=3", "seed=0"], {"val/nelbo": 1.0}, state="running")
    put_run(tmp_path / "f", ["loss.beta=3", "seed=1"], {"val/nelbo": None})
    page = report_of(tmp_path).page
    assert "best setting</dt><dd>beta 2<small>val/nelbo 12.50 ± 0.50 nats, 2 seeds" in page
    assert "best run</dt><dd>a<small>val/nelbo 10 nats" in page
    assert "vae-exp train --config-dir &#39;my conf&#39; loss.beta=1 seed=0" in page
    page = report_of(tmp_path, metric="test/nelbo", maximize=True).page
    assert "best setting</dt><dd>beta 1<small>test/nelbo 98.50 ± 0.50" in page


def test_what_cannot_be_compared_is_not(tmp_path):
    put_run(tmp_path / "a", ["data=digits"], {"val/nelbo": 10.0})
    put_run(tmp_path / "b", ["data=mnist_5k"], {"val/nelbo": 100.0})
    put_run(tmp_path / "c", ["data=mnist_5k", "loss=ae"], {"val/distortion": 1.0})
    page = report_of(tmp_path).page
    for said in ("data digits, by val/nelbo", "data mnist_5k, by val/nelbo", "data mnist_5k, by val/distortion"):
        assert f"<h3>{said}</h3>" in page


@pytest.fixture
def _quick(monkeypatch):
    monkeypatch.setattr(importance, "TREES", 25)


def additive(root, weights, noise=0.0, count=4):
    rng, plan = np.random.default_rng(0), {}
    for values in itertools.product(range(count), repeat=3):
        name = "-".join(map(str, values))
        plan[name] = [f"a.x={values[0]}", f"a.y={values[1]}", f"a.z={values[2]}"]
        total = sum(w * v for w, v in zip(weights, values, strict=True)) + noise * rng.normal()
        put_run(root / name, plan[name], {"val/nelbo": total})
    write_plan(root, plan)
    varies, runs, _ = settings_in(root)
    return importance_of(runs, varies, "val/nelbo")


@pytest.mark.usefixtures("_quick")
def test_importance_is_the_share_of_the_variance(tmp_path):
    found = additive(tmp_path, (3, 1, 0))
    shares = dict(found.shares)
    assert found.refusal == ""
    assert found.foreseen > 0.9
    # Var(3 x) : Var(y) : 0 = 9 : 1 : 0, and nothing acts together.
    assert shares["x"] == pytest.approx(0.9, abs=0.12)
    assert shares["y"] == pytest.approx(0.1, abs=0.06)
    assert shares["z"] < 0.01


@pytest.mark.usefixtures("_quick")
def test_importance_of_noise_is_refused(tmp_path):
    found = additive(tmp_path, (0, 0, 0), noise=1.0)
    assert "too little to say what it depends on" in found.refusal
    assert found.shares == []


def test_importance_of_few_runs_is_refused(tmp_path):
    varies, runs, _ = settings_in(make_sweep(tmp_path, (2, 4), (1, 2), (0, 1), pictures=False))
    assert f"needs at least {FEWEST} finished runs, and 8 have" in importance_of(runs, varies, "val/nelbo").refusal


def test_the_csv_has_every_run_unrounded(tmp_path):
    make_sweep(tmp_path, (2,), (0.5, 1), (0, 1), pictures=False)
    put_run(tmp_path / "bad", ["loss.beta=8"], None, state="failed", error="ValueError: a, b\nc")
    put_run(tmp_path / "lost", ["loss.beta=16"], {"val/nelbo": None, "val/rate": 1 / 3})
    rows = {row["run"]: row for row in csv.DictReader(io.StringIO(report_of(tmp_path).csv))}
    assert len(rows) == 6
    row = rows["latent_dim-2--beta-0.5--seed-1"]
    assert (row["loss.beta"], row["seed"], row["state"], row["seconds"]) == ("0.5", "1", "done", "12.5")
    assert float(row["test/nelbo"]) == 20 + 2 + 1 + 105
    assert float(row["test/nelbo/se"]) == 1.5
    assert (rows["bad"]["error"], rows["bad"]["val/nelbo"]) == ("ValueError: a, b\nc", "")
    assert (rows["lost"]["val/nelbo"], float(rows["lost"]["val/rate"])) == ("nan", 1 / 3)


def test_the_objective_is_that_of_the_sweep(tmp_path):
    make_sweep(tmp_path, (2, 4), (1,), (0,), pictures=False)
    for run in tmp_path.glob("latent*"):
        (run / ".hydra" / "config.yaml").write_text("sweep: {metric: val/mse}\n")
        (run / ".hydra" / "hydra.yaml").write_text("hydra: {sweeper: {direction: maximize}}\n")
    page = report_of(tmp_path).page
    assert "Chosen by val/mse, the highest being the best" in page
    assert "<dd>latent_dim 2<small>val/mse 0.05" in page


def test_statistics_agree_with_the_standard_library(tmp_path):
    values = [3.25, 1.5, 9.0, 4.125]
    found = mean_of(values)
    assert found.mean == pytest.approx(statistics.mean(values))
    assert found.error == pytest.approx(statistics.stdev(values) / 2)


def test_a_broken_file_is_no_figure(tmp_path):
    put_run(tmp_path / "a", ["seed=1"], {"val/nelbo": 1.0})
    put_run(tmp_path / "b", ["seed=2"], {})
    (tmp_path / "b" / "metrics.json").write_text("[")
    (tmp_path / "b" / ".hydra" / "overrides.yaml").write_text("{")
    write_json(tmp_path / "a" / "metrics.json", {"val/nelbo": 1.0, "val/word": "x", "val/flag": True})
    _, runs, _ = settings_in(tmp_path)
    assert [dict(run.figures) for run in runs] == [{"val/nelbo": 1.0}, {}]
