"""The page of a sweep: that it is whole, safe, and says what is left out."""

import base64
import hashlib
import re
import resource
import shutil
import time
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from PIL import Image

from vae_exp import cli
from vae_exp.errors import UserError
from vae_exp.report.sweep import gallery, importance
from vae_exp.report.sweep.runs import read_runs
from vae_exp.sweeps.plan import write_plan

from .making import Page, make_run, write_json
from .sweeping import data_of, figures, make_sweep, put_pictures, put_run, report_of

BAD = "<script>alert(1)</script>"


@pytest.fixture
def sweep(tmp_path):
    folder = make_sweep(tmp_path / "sweep", (2, 4), (0.5, 1), (0, 1))
    write_plan(folder, {"absent": ["model.latent_dim=8", "loss.beta=1", "seed=0", "data=digits"]})
    put_run(
        folder / "bad",
        ["data=digits", "model.latent_dim=8", "loss.beta=1", "seed=1"],
        None,
        state="failed",
        error="ValueError: no",
    )
    put_run(folder / "cut", ["data=digits", "model.latent_dim=8", "loss.beta=1", "seed=2"], None, state="interrupted")
    write_json(folder / "cut" / "progress.json", {"epoch": 3, "epochs": 10})
    return folder


def page_of(folder, **options):
    return Page(report_of(folder, **options).page)


def test_every_run_is_on_the_page(sweep):
    page = page_of(sweep)
    for run in read_runs([sweep], "val/nelbo"):
        assert run.name in page.text
    assert "1 failed: ValueError: no" in page.text
    assert "1 missing: planned, and never begun" in page.text
    assert "cut, 3 of 10 epochs" in page.text
    assert "8 done" in page.text
    assert "11 runs, 5 settings" in page.text


def test_the_tables_are_there_without_the_script(sweep):
    page = page_of(sweep)
    data = data_of(report_of(sweep).page)
    assert len(page.all("tr")) >= 5 + 11
    for table in data["tables"].values():
        shown = [i for i, column in enumerate(table["columns"]) if column[2]]
        for row in table["rows"]:
            assert all(row[i] in page.text for i in shown)
    assert data["tables"]["settings"]["rows"][0][:2] == ["2", "1"]  # rate 10 + 2 and distortion 110: the least


def test_the_heat_map_has_all_figures(sweep):
    data = data_of(report_of(sweep).page)
    assert {"val/nelbo", "test/rate", "val/mse"} <= set(data["heat"])
    assert "val/kl_per_dim" not in data["heat"]
    heat = data["heat"]["val/mse"]
    assert [cell[0] for cell in heat["cells"]] == ["0.05 ± 0.00"] * 2 + ["0.03 ± 0.00"] * 2 + [""]  # by setting
    assert [cell[1] for cell in heat["cells"]] == [1, 1, 0, 0, None]


def test_the_page_needs_nothing_else_and_runs_one_script(sweep):
    html = report_of(sweep).page
    page = Page(html)
    assert [attrs.get("type") for attrs in page.all("script")] == ["application/json", None]
    script = html.rpartition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in html
    assert all(str(attrs["src"]).startswith("data:image/jpeg") for attrs in page.all("img"))
    assert not page.all("link")
    assert "http" not in html.replace("http-equiv", "").split("base64")[0]
    assert not re.search(r"url\(|eval\(|innerHTML|document\.write|insertAdjacent", html)
    assert len(set(page.ids)) == len(page.ids)


def test_the_page_is_the_same_for_the_same_folder(sweep):
    assert report_of(sweep) == report_of(sweep)


def test_links_lead_to_what_is_there(sweep):
    make_run(sweep / "own")
    write_json(sweep / "own" / "status.json", {"state": "done"})
    (sweep / "own" / "report").mkdir()
    (sweep / "own" / "report" / "index.html").write_text("")
    out = sweep / "report" / "index.html"
    page = page_of(sweep, out=out)
    links = {str(attrs["href"]) for attrs in page.all("a")}
    links |= {link for link in data_of(report_of(sweep, out=out).page)["tables"]["runs"]["links"] if link}
    assert "../own/report/index.html" in links
    assert "../latent_dim-2--beta-1--seed-0/images/samples.png" in links
    out.parent.mkdir()
    assert all((out.parent / unquote(link)).is_file() for link in links)


def test_hostile_text_is_shown_as_text(sweep):
    write_plan(sweep, {f"{BAD[:7]} x": [f"data={BAD}", "loss.beta=1"]})
    put_run(
        sweep / '"><img src=x onerror=alert(1)>',
        [f"data={BAD}", f"'x{BAD}'={BAD}"],
        figures(1, 2) | {f"val/{BAD}": 1.0},
    )
    put_run(sweep / "worse", ["data=digits"], None, state="failed", error=f"</script>{BAD}<!--")
    html = report_of(sweep).page
    page = Page(html)
    assert len(page.all("script")) == 2
    assert html.count("</script>") == 2
    assert not [attrs for _, attrs in page.tags if any(name.startswith("on") for name in attrs)]
    assert all(str(attrs["src"]).startswith("data:") for attrs in page.all("img"))
    assert page.text.count(BAD) >= 6
    assert any(BAD in cell for row in data_of(html)["tables"]["runs"]["rows"] for cell in row)


def test_the_plots_are_pictures_of_their_own(sweep):
    plots = report_of(sweep).plots
    for name, text in plots.items():
        drawing = ElementTree.fromstring(text)
        points = [one for one in drawing.iter() if one.tag.endswith("circle") and one.find("{*}title") is not None]
        assert (name, len(points)) == (name, 4)


def test_pictures_stand_in_the_grid_of_the_sweep(sweep):
    page = page_of(sweep)
    pictures = page.all("img")
    assert len(pictures) == 3 * 8
    assert all(
        int(str(attrs["width"])) <= gallery.WIDE and int(str(attrs["height"])) <= gallery.HIGH for attrs in pictures
    )
    assert "Those of 8 runs, made smaller" in page.text
    assert "do not fit" not in page.text
    samples = report_of(sweep).page.split('data-view="samples"')[1].split('data-view="traversals"')[0]
    named = re.findall(r'alt="([^"]*)"', samples)
    assert named == [f"latent_dim-{d}--beta-{b}--seed-{s}" for d in (2, 4) for b in ("0.5", "1") for s in (0, 1)]


def test_pictures_beyond_the_budget_are_left_out_and_said_to_be(sweep, monkeypatch):
    whole = len(page_of(sweep).all("img")[0]["src"]) * 3
    monkeypatch.setattr(gallery, "BUDGET", 5 * whole)
    page = page_of(sweep)
    names = {str(attrs["alt"]) for attrs in page.all("img")}
    # One seed of each setting comes before any second one; one that failed has none.
    assert names == {f"latent_dim-{d}--beta-{b}--seed-0" for d in (2, 4) for b in ("0.5", "1")} | {
        "latent_dim-2--beta-0.5--seed-1"
    }
    assert "Those of 5 runs, made smaller" in page.text
    assert "Those of the other 5 do not fit into a page" in page.text


def test_broken_pictures_are_left_out(sweep):
    samples = sweep / "latent_dim-2--beta-1--seed-0" / "images" / "samples.png"
    samples.write_bytes(samples.read_bytes()[:300])
    assert len(page_of(sweep).all("img")) == 23


def test_coloured_pictures_keep_their_colours(tmp_path):
    put_run(tmp_path / "a", ["seed=0"], figures(1, 2))
    put_run(tmp_path / "b", ["seed=1"], figures(1, 2))
    put_pictures(tmp_path / "a")
    Image.new("RGB", (20, 20), (250, 10, 10)).save(tmp_path / "a" / "images" / "samples.png")
    page = report_of(tmp_path).page
    [content] = re.findall(
        r'src="data:image/jpeg;base64,([^"]*)"', page.split('data-view="samples"')[1].split("data-view")[0]
    )
    picture = tmp_path / "x.jpeg"
    picture.write_bytes(base64.b64decode(content))
    with Image.open(picture) as image:
        red, green, _ = image.convert("RGB").getpixel((10, 10))
    assert red > 200 > 100 > green


@pytest.mark.parametrize("missing", ["metrics.json", "images", "status.json", ".hydra", ".hydra/overrides.yaml"])
def test_the_page_does_without(sweep, missing):
    for run in sweep.glob("latent_dim-2*"):
        shutil.rmtree(run / missing) if (run / missing).is_dir() else (run / missing).unlink()
    page_of(sweep)


@pytest.mark.parametrize("overrides", [[[]], [["seed=1"], ["seed=2"]], [["loss.beta=1"]], [["x=a"], ["x=b"], ["x=c"]]])
def test_sweeps_of_any_shape_have_a_page(tmp_path, overrides):
    for number, lines in enumerate(overrides):
        put_run(tmp_path / str(number), lines, figures(number, 100))
        put_pictures(tmp_path / str(number))
    page = page_of(tmp_path)
    assert f"{len(overrides)} run" in page.text
    assert len(page.all("img")) == 3 * len(overrides)


def test_values_that_are_drawn_have_no_grid(tmp_path, monkeypatch):
    monkeypatch.setattr(importance, "FEWEST", 100)  # which takes its time
    for number in range(60):
        put_run(
            tmp_path / str(number),
            [f"loss.beta={0.1 + number}", f"optimizer.lr={1 / (number + 1)}"],
            figures(number, 100),
        )
    put_pictures(tmp_path / "7")
    page = page_of(tmp_path)
    assert "A key has more than 40 values" in page.text
    assert len(page.all("img")) == 3
    assert len(page.all("circle")) == 2 * 60


def test_nothing_done_yet(tmp_path):
    write_plan(tmp_path, {name: [f"seed={name}"] for name in "123"})
    page = page_of(tmp_path)
    assert "3 missing" in page.text
    assert "No run is done that has val/nelbo" in page.text


def test_folders_that_hold_no_runs(sweep, tmp_path):
    with pytest.raises(UserError, match="is the folder of neither a sweep nor a run"):
        read_runs([sweep / "bad" / ".hydra"], "val/nelbo")
    with pytest.raises(UserError, match=r"is a folder of sweeps; give sweeps, such as .*sweep"):
        read_runs([tmp_path], "val/nelbo")


def test_the_command_writes_the_page_and_the_csv(sweep, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["report", "sweep"]) == 0
    written = capsys.readouterr().out.splitlines()
    assert written[:2] == ["sweep/report/index.html", "sweep/report/runs.csv"]
    plots = {
        f"{name}_on_the_{stage}_set.svg"
        for name in ("rate_and_distortion", "active_units")
        for stage in ("val", "test")
    }
    assert {path.name for path in (sweep / "report").iterdir()} == {"index.html", "runs.csv"} | plots
    assert cli.main(["report", "sweep"]) == 0  # and the report is no run of the sweep
    assert "11 runs" in (sweep / "report" / "index.html").read_text()
    assert cli.main(["report", "sweep/bad", "sweep/cut", "--metric", "val/mse"]) == 0
    assert "2 runs" in (tmp_path / "report" / "index.html").read_text()
    capsys.readouterr()
    assert cli.main(["report", "sweep/bad", "--metric", "val/mse"]) == 1
    assert "--metric and --maximize are for sweeps, and sweep/bad is one run" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_ten_thousand_runs_take_under_a_minute_and_under_2_gib(tmp_path, capsys):
    latents, betas = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48), tuple(2 ** (i / 4) / 16 for i in range(40))
    make_sweep(tmp_path, latents, betas, range(25))
    start, cpu = time.monotonic(), time.process_time()
    assert cli.main(["report", str(tmp_path)]) == 0
    wall, cpu = time.monotonic() - start, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    size = (tmp_path / "report" / "index.html").stat().st_size
    with capsys.disabled():
        print(f"\n10,000 runs: {wall:.1f} s ({cpu:.1f} s of CPU), peak {peak:.2f} GiB, page {size / 1e6:.1f} MB")
    assert cpu < 60
    assert peak < 2
    assert size < 30e6
