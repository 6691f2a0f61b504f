"""What a sweep's folder says of its runs."""

import json
import math
import os
import subprocess
import sys
import time

import pytest

from vae_exp import cli
from vae_exp.errors import UserError
from vae_exp.sweeps.lock import NAME, held
from vae_exp.sweeps.objective import objective
from vae_exp.sweeps.overview import overview
from vae_exp.sweeps.plan import read_plan, write_plan
from vae_exp.sweeps.status import recorded, state_of


def put(folder, name, content):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(content))


def test_plans_of_several_commands_are_one(tmp_path):
    write_plan(tmp_path, {"a": ["seed=0"], "b": ["seed=1"]})
    write_plan(tmp_path, {"a": ["seed=0"], "b": ["seed=1"]})
    assert len(list((tmp_path / ".sweep").iterdir())) == 1
    write_plan(tmp_path, {"b": ["seed=1"], "c": ["seed=2"]})
    assert read_plan(tmp_path) == {"a": ["seed=0"], "b": ["seed=1"], "c": ["seed=2"]}
    assert read_plan(tmp_path / "absent") == {}


@pytest.fixture
def sweep(tmp_path):
    write_plan(tmp_path, {name: [f"name={name}"] for name in ("done", "failed", "killed", "at_work", "absent", "lost")})
    put(tmp_path / "done", "status.json", {"state": "done", "attempts": 2, "wall_seconds": 7.5})
    put(tmp_path / "done", "metrics.json", {"val/nelbo": 9.0, "val/nll": None, "val/kl_per_dim": [1.0]})
    put(tmp_path / "failed", "status.json", {"state": "failed", "error": "ValueError: no"})
    put(tmp_path / "killed", "status.json", {"state": "running"})
    put(tmp_path / "at_work", "status.json", {"state": "running"})
    progress = {"epoch": 3, "epochs": 10, "best": 12.0, "seconds_left": 60.0, "time": time.time() - 20}
    put(tmp_path / "at_work", "progress.json", progress)
    put(tmp_path / "lost", "status.json", {"state": "running"})
    put(tmp_path / "lost", NAME, {"host": "node7", "machine": "node7", "pid": 1, "started": "1", "token": "t"})
    os.utime(tmp_path / "lost" / NAME, (1, 1))
    put(tmp_path / "unplanned", "status.json", {"state": "done"})
    return tmp_path


def test_every_run_has_a_state(sweep):
    with held(sweep / "at_work"):
        runs = {run.name: run for run in overview(sweep, "val/nelbo")}
    states = {name: run.state for name, run in runs.items()}
    assert states == {
        "done": "done",
        "failed": "failed",
        "killed": "interrupted",
        "at_work": "running",
        "absent": "missing",
        "lost": "interrupted",
        "unplanned": "done",
    }
    assert runs["done"].objective == 9.0
    assert (runs["done"].attempts, runs["done"].wall_seconds) == (2, 7.5)
    assert runs["failed"].error == "ValueError: no"
    assert (runs["at_work"].epoch, runs["at_work"].epochs, runs["at_work"].objective) == (3, 10, 12.0)
    assert 35 < runs["at_work"].seconds_left <= 40
    assert runs["at_work"].where.endswith(f":{os.getpid()}")
    assert runs["absent"].overrides == ["name=absent"]


def test_one_run_and_what_is_none(sweep):
    [run] = overview(sweep / "done", "val/nelbo")
    assert (run.name, run.state) == ("done", "done")
    for folder in (sweep / "absent", sweep / ".sweep"):
        with pytest.raises(UserError, match="folder"):
            overview(folder, "val/nelbo")


@pytest.mark.parametrize(
    ("figures", "metric", "value"),
    [
        ({"val/nelbo": 3.0, "val/nelbo_bce": 4.0}, "val/nelbo", 3.0),
        ({"val/nelbo_bce": 4.0, "val/distortion_bce": 1.0}, "val/nelbo", 4.0),
        ({"val/distortion": 2.0}, "val/nelbo", 2.0),
        ({"val/distortion_bce": 2.0}, "val/nelbo", 2.0),
        ({"test/nll_bce": 5.0}, "test/nll", 5.0),
        ({"val/nelbo": None}, "val/nelbo", math.inf),
        ({"val/nelbo": math.nan}, "val/nelbo", math.inf),
        ({"val/nelbo": -math.inf}, "val/nelbo", math.inf),
    ],
)
def test_the_objective_is_one_number(figures, metric, value):
    assert objective(figures, metric) == value


@pytest.mark.parametrize(("metric", "text"), [("val/nebo", "did you mean val/nelbo"), ("val/kl", "is a vector")])
def test_what_is_no_objective(metric, text):
    with pytest.raises(UserError, match=text):
        objective({"val/nelbo": 1.0, "val/kl": [1.0]}, metric)


def test_a_run_says_how_it_ends_otherwise(tmp_path):
    with recorded(tmp_path) as note:
        note({"state": "pruned"})
    assert state_of(tmp_path) == "pruned"
    assert state_of(tmp_path / "absent") is None


def test_the_command_answers_without_torch_and_hydra(sweep):
    program = (
        "import sys; from vae_exp.cli import main; code = main(sys.argv[1:]); "
        "print([name for name in ('torch', 'hydra', 'omegaconf') if name in sys.modules], code)"
    )

    def status(*words):
        words = [sys.executable, "-c", program, "status", *words]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout

    text = status(str(sweep))
    assert text.endswith("[] 0\n")
    assert "2 done, 1 failed, 3 interrupted, 1 missing of 7 runs" in text
    assert "failed: ValueError: no" in text
    answer = json.loads(status(str(sweep), "--json").splitlines()[0])
    assert answer["counts"] == {"done": 2, "failed": 1, "interrupted": 3, "missing": 1}
    assert {run["name"] for run in answer["runs"]} >= {"done", "absent"}


def test_what_is_shown_of_an_unfinished_run_bears_its_name_where_that_is_another(tmp_path, capsys):
    for name, figure in (("vae", "val/nelbo"), ("ae", "val/distortion")):
        put(tmp_path / name, "status.json", {"state": "interrupted"})
        put(tmp_path / name, "progress.json", {"epoch": 1, "epochs": 2, "best": 40.71, "objective": figure})
    write_plan(tmp_path, {"vae": [], "ae": []})
    assert cli.main(["status", str(tmp_path)]) == 0
    lines = {line.split("│")[1].strip(): line for line in capsys.readouterr().out.splitlines() if "│" in line}
    assert "distortion 40.71" in lines["ae"]
    assert "nelbo" not in lines["vae"]
