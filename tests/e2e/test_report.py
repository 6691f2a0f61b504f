"""The page of a run that was really trained."""

from __future__ import annotations

from vae_exp.config import paths
from vae_exp.files import read_json
from vae_exp.report.meanings import meaning_of, read_meanings

from .commands import weights


def test_every_figure_of_a_run_has_a_meaning(trained):
    meanings = read_meanings([paths.conf_dir()], {})
    names = {name.split("/")[1] for name in read_json(trained / "metrics.json")}
    assert [name for name in names if not meaning_of(name, meanings).text] == []


def test_a_run_notes_its_device_and_its_size(trained):
    status = read_json(trained / "status.json")
    sizes = status["parameters"]
    saved = weights(trained / "checkpoints" / "last.ckpt")
    counted = sum(weight.numel() for name, weight in saved.items() if name.startswith("model."))
    assert sizes["all"] == counted == sum(size for name, size in sizes.items() if name != "all")
    assert status["device"] == "cpu"


def test_a_trained_run_has_a_page(command, run):
    done = command("report", str(run))
    assert done.code == 0, done.err
    page = (run / "report" / "index.html").read_text(encoding="utf-8")
    for said in ("digits · mlp · elbo", "trainer.max_epochs=2", "nelbo, nats over", "traversals.png", "latent 2"):
        assert said in page
    assert "cannot be read" not in page
