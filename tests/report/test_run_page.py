"""The page of a run: what it says, and that it says it whatever the folder has."""

import shutil

import pytest
from PIL import Image

from vae_exp.report.record import read_record

from .making import CONFIG, FIGURES, STATUS, Page, log, make_run, page_of, write_json


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path / "run")


def test_the_page_has_figures_with_errors_and_meanings(run):
    text = Page(page_of(run)).text
    assert "147.9 ± 1.6" in text
    assert "149.5 ± 1.7" in text
    assert "Negative ELBO, rate + distortion: an upper bound" in text
    assert text.index("Negative ELBO") < text.index("by importance sampling")


def test_the_page_says_what_the_run_is(run):
    text = Page(page_of(run)).text
    for said in ("mnist_5k · mlp · elbo", "1,383,248 parameters", "699,456", "3 min 20 s", "89150d2", "torch 2.8"):
        assert said in text
    assert "vae-exp train --config-dir 'my conf' trainer.max_epochs=7 loss.beta=4" in text
    assert "hidden=[512, 256]" in text
    assert "loss/schedule" in text
    assert "Constant" in text


def test_the_page_shows_latents_curves_and_pictures(run):
    page = Page(page_of(run))
    assert "2 of 3 latents are active" in page.text
    assert "All of them carry 4.752 nats, nine tenths of it in 2 (test set)." in page.text
    assert page.text.index("latent 1") < page.text.index("latent 2") < page.text.index("latent 0")
    labels = [attrs["aria-label"] for attrs in page.all("svg") if "aria-label" in attrs]
    assert "nelbo, nats over 2 steps: train from 300 to 150; val from 210 to 160" in labels
    assert "The same whenever it was logged: lr = 1." in page.text
    [image] = page.all("img")
    assert image["alt"].startswith("samples.png: ")
    assert (image["width"], image["class"]) == ("308", "enlarged")


def test_captions_are_those_of_the_views(run):
    from vae_exp.report.run_page import run_page

    html = run_page(read_record(run), {"view": {"samples": "What the prior draws."}}, [])
    assert "What the prior draws." in html
    assert "view=all" in html


def test_the_page_is_self_contained_and_runs_nothing(run):
    page = Page(page_of(run))
    assert not page.all("script")
    assert not page.all("link")
    assert all(str(attrs["src"]).startswith("data:image/") for attrs in page.all("img"))
    links = [str(attrs["href"]) for attrs in page.all("a")]
    assert links
    assert all(link[0] == "#" and link[1:] in page.ids for link in links)
    assert "http" not in page_of(run).replace("http-equiv", "").split("base64")[0]
    assert "url(" not in page_of(run)
    assert len(set(page.ids)) == len(page.ids)


def test_the_page_is_the_same_for_the_same_folder(run):
    assert page_of(run) == page_of(run)


def test_hostile_text_is_shown_as_text(run):
    bad = "<script>alert(1)</script>"
    (run / ".hydra" / "overrides.yaml").write_text(f"- 'x={bad}'\n")
    (run / ".hydra" / "config.yaml").write_text(CONFIG + f"note: '</pre>{bad}'\n")
    write_json(run / "status.json", STATUS | {"state": "failed", "error": bad, "device": f'"><img src=x>{bad}'})
    write_json(run / "metrics.json", FIGURES | {f"test/{bad}": 1.0})
    Image.new("L", (8, 8)).save(run / "images" / '"onload=alert(1) x.png')
    log(run, {f"val/{bad}": [1.0, 2.0]}, first=7)
    page = Page(page_of(run))
    assert not page.all("script")
    assert all(str(attrs["src"]).startswith("data:") for attrs in page.all("img"))
    assert not [attrs for _, attrs in page.tags if any(name.startswith("on") for name in attrs)]
    assert page.text.count(bad) >= 6


def test_the_environment_is_not_shown(run, monkeypatch):
    monkeypatch.setenv("SECRET", "hunter2")
    html = page_of(run)
    assert "hunter2" not in html
    assert read_record(run).settings["data"]["seed"] == 5
    assert read_record(run).settings["run_dir"] == str(run)


@pytest.mark.parametrize(
    "missing", ["metrics.json", "images", "tensorboard", "status.json", ".hydra/hydra.yaml", ".hydra/overrides.yaml"]
)
def test_the_page_does_without(run, missing):
    path = run / missing
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    Page(page_of(run))


def test_a_run_that_barely_began_has_a_page(tmp_path):
    write_json(tmp_path / "status.json", {"state": "running"})
    text = Page(page_of(tmp_path)).text
    assert "under way, or was ended by force" in text
    assert "logger=tensorboard" in text


@pytest.mark.parametrize(
    ("state", "said"),
    [("failed", "ValueError: it broke"), ("interrupted", "was stopped before its end"), ("running", "is under way")],
)
def test_the_state_is_said_at_the_top(run, state, said):
    write_json(run / "status.json", STATUS | {"state": state, "error": "ValueError: it broke"})
    text = Page(page_of(run)).text
    assert text.index(said) < text.index("Figures")
    assert (f"hydra.run.dir={run}" in text) == (state != "failed")


@pytest.mark.parametrize(
    "name", ["metrics.json", "status.json", ".hydra/config.yaml", ".hydra/overrides.yaml", ".hydra/hydra.yaml"]
)
@pytest.mark.parametrize("content", [b"{", b"3", b"\xff\xfe{"])
def test_a_broken_file_is_named(run, name, content):
    (run / name).write_bytes(content)
    assert f"{name} cannot be read; the page does without it." in Page(page_of(run)).text


def test_a_broken_picture_is_named(run):
    whole = (run / "images" / "samples.png").read_bytes()
    (run / "images" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (run / "images" / "other.gif").write_bytes(b"GIF89a")
    page = Page(page_of(run))
    assert len(page.all("img")) == 1
    assert "images/cut.png cannot be read" in page.text
    assert "images/other.gif cannot be read" in page.text


def test_figures_that_are_no_numbers(run):
    odd = {
        "test/nll": None,
        "test/matrix": [[1, 2]],
        "val/matrix": 2.0,
        "test/kl_per_dim": [None, 1.0],
        "test/word": "x",
        "odd": 1,
    }
    write_json(run / "metrics.json", FIGURES | odd)
    text = Page(page_of(run)).text
    assert "not finite" in text
    assert "it has no figure kl_per_dim" in text


def test_figures_of_grey_pixels_are_called_what_they_are(run):
    write_json(run / "metrics.json", {"test/nelbo_bce": 5.0, "test/alpha": 1.0})
    text = Page(page_of(run)).text
    assert "no log-likelihood" in text
    assert text.index("nelbo_bce") < text.index("alpha")
