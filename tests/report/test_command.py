"""`vae-exp report`."""

import json
import subprocess
import sys

import pytest

from vae_exp import cli

from .making import make_run

HEAVY = ("torch", "pytorch_lightning", "hydra", "matplotlib", "sklearn")


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return make_run(tmp_path / "run")


def test_the_page_is_written_into_the_run(run, capsys):
    assert cli.main(["report", "run"]) == 0
    assert capsys.readouterr().out == "run/report/index.html\n"
    page = (run / "report" / "index.html").read_text(encoding="utf-8")
    assert "147.9 ± 1.6" in page
    assert cli.main(["report", "run=run", "--out", "page.html"]) == 0
    assert (run.parent / "page.html").read_text(encoding="utf-8") == page


def test_neither_torch_nor_hydra_is_imported(run):
    code = "import sys, json; from vae_exp.cli import main; main(['report', 'run']); "
    code += f"print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=run.parent)
    assert json.loads(done.stdout.splitlines()[-1]) == []
    assert done.stderr == ""


def test_captions_come_from_the_users_configuration(run):
    view = run.parent / "conf" / "view"
    view.mkdir(parents=True)
    (view / "samples.yaml").write_text("# My samples.\n")
    assert cli.main(["report", "run", "--config-dir", "conf"]) == 0
    assert "My samples." in (run / "report" / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "give the folder of a run or of a sweep"),
        (["absent"], "absent is not a folder"),
        (["run/images"], "is the folder of neither a sweep nor a run"),
        (["run", "--out", "run"], "--out run is a folder; name a file, such as run/index.html"),
        (["run", "--out", "run/status.json/page.html"], "cannot be written: "),
        (["run", "--open"], "unrecognized arguments: --open"),
        (["run", "--out"], "expected one argument"),
        (["run", "--config-dir", "absent"], "--config-dir absent: is not a folder"),
    ],
)
def test_refusals_are_one_sentence(run, capsys, words, said):
    before = (run / "status.json").read_text()
    assert cli.main(["report", *words]) == 1
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert "Traceback" not in err
    assert "Error" not in err
    assert (run / "status.json").read_text() == before
