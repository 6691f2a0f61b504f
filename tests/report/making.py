"""A run's folder as `vae-exp train` leaves it, without the training."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

from PIL import Image
from tensorboard.compat.proto import event_pb2
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from vae_exp.cli.catalog import groups
from vae_exp.config import paths
from vae_exp.report.record import read_record
from vae_exp.report.run_page import run_page

FIGURES = {
    "test/nelbo": 147.91,
    "test/nelbo/se": 1.6447,
    "test/nll": 143.0,
    "test/nll/se": 1.5,
    "test/active_units": 2.0,
    "test/kl_per_dim": [0.002, 3.5, 1.25],
    "val/nelbo": 149.47,
    "val/nelbo/se": 1.72,
}
CONFIG = """
data: {_target_: vae_exp.data.datamodule.DataModule, root: '${oc.env:SECRET,"~"}', batch_size: 128, seed: '${seed}'}
model:
  _target_: vae_exp.models.vae.VAE
  latent_dim: 3
  encoder: {_target_: vae_exp.nets.mlp.MLP, hidden: [512, 256]}
loss: {_target_: vae_exp.losses.elbo.ELBO, beta: 4.0, schedule: {_target_: vae_exp.schedules.Constant}}
metrics: {elbo: {}, nll: {}}
trainer: {max_epochs: 7}
seed: 5
run_dir: ${hydra:runtime.output_dir}
"""
HYDRA = """
hydra:
  runtime:
    choices: {data: mnist_5k, model: mlp, loss: elbo, model/encoder: mlp, experiment: null}
    config_sources: [{path: /somewhere, provider: main}, {path: my conf, provider: command-line}]
"""
STATUS = {
    "state": "done",
    "attempts": 1,
    "wall_seconds": 200.0,
    "versions": {"torch": "2.8"},
    "git_commit": "89150d2",
    "device": "cpu",
    "parameters": {"encoder": 699456, "all": 1383248},
}


def make_run(folder: Path) -> Path:
    """Write a whole run, with figures, curves and a picture."""
    for name in (".hydra", "images"):
        (folder / name).mkdir(parents=True)
    (folder / ".hydra" / "config.yaml").write_text(CONFIG)
    (folder / ".hydra" / "overrides.yaml").write_text("- trainer.max_epochs=7\n- loss.beta=4\n")
    (folder / ".hydra" / "hydra.yaml").write_text(HYDRA)
    write_json(folder / "status.json", STATUS)
    write_json(folder / "metrics.json", FIGURES)
    Image.new("L", (28, 28), 128).save(folder / "images" / "samples.png")
    log(folder, {"train/nelbo": [300, 200, 150], "val/nelbo": [210, 190, 160], "train/lr": [1, 1, 1]})
    return folder


def write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content))


def log(folder: Path, scalars: dict[str, list[float]], *, first: int = 0, restart: bool = False) -> None:
    """Write one event file; `restart` says that what was logged from step `first` on is void."""
    writer = EventFileWriter(str(folder / "tensorboard"), filename_suffix=f".{first}")
    if restart:
        session = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
        writer.add_event(event_pb2.Event(session_log=session, step=first))
    for tag, values in scalars.items():
        for step, value in enumerate(values, first):
            summary = Summary(value=[Summary.Value(tag=tag, simple_value=value)])
            writer.add_event(event_pb2.Event(step=step, summary=summary))
    writer.close()
    # Files are read in the order of their names, which two of the same second and process would leave to a counter.
    [new] = (folder / "tensorboard").glob(f"events.*.{first}")
    new.rename(new.with_name(f"events.out.tfevents.{first:09}.host"))


def page_of(folder: Path) -> str:
    """The page, as the command makes it."""
    folders = [paths.conf_dir()]
    abouts = {group: {o.name: o.about for o in options} for group, options in groups(folders).items()}
    return run_page(read_record(folder), abouts, folders)


class Page(HTMLParser):
    """A page, read strictly: elements that are not closed in order raise."""

    VOID = ("meta", "img", "br", "hr", "link", "input")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.ids: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]
