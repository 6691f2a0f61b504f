"""vae-exp augment: more labelled examples, made from those of a finished run."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from omegaconf import DictConfig
from torch import Tensor

from vae_exp.build import Settings
from vae_exp.cli.failure import writing
from vae_exp.cli.finished import check_counts, data_of, device_named, refuse_existing
from vae_exp.cli.hydra_app import run_hydra
from vae_exp.cli.labelled_files import FORMATS, Labelled
from vae_exp.config.check import check
from vae_exp.config.instantiate import instantiate
from vae_exp.data.datamodule import DataModule
from vae_exp.data.splits import SplitName
from vae_exp.errors import UserError
from vae_exp.models.base import Model
from vae_exp.run import best_checkpoint, load_run
from vae_exp.training import rng
from vae_exp.types import Batch

log = logging.getLogger(__name__)

How = Callable[[Model, Batch], Tensor]


def main(argv: list[str]) -> int:
    """Run `vae-exp augment` with these overrides."""
    return run_hydra("augment", argv, augment, before=_check)


def augment(cfg: DictConfig) -> None:
    """Write the labelled training examples of a run, and factor - 1 new ones for each."""
    asked = check(cfg)
    device = device_named(asked["device"])
    run = load_run(asked["run"], device=device, trusted_packages=asked["trusted_packages"])
    how: How = instantiate(asked["how"], asked["trusted_packages"], "how")
    grey = data_of(run, asked, binarize="none")  # what is written are the pictures as they are
    names: tuple[SplitName, ...] = ("train", "val", "test")
    splits = {name: _as_they_are(grey, name) for name in names}
    known = splits["train"].y >= 0
    splits["train"] = Labelled(splits["train"].x[known], splits["train"].y[known])
    seen = data_of(run, asked)
    if not len(splits["train"].y):
        raise UserError(f"run={asked['run']}: its training examples have no labels, which augmenting is for")
    made: list[Labelled] = []
    with rng.isolated(asked["seed"]):  # binarisation draws, too
        for _ in range(asked["factor"] - 1):
            examples = seen.examples("train", grey.spec.train_size)
            for batch in _parts(examples, asked["batch_size"], device):
                made.append(Labelled(how(run.model, batch).clamp(0, 1).cpu(), batch["y"].cpu()))
    x, y = zip(splits["train"], *made, strict=True)
    splits["train"] = Labelled(torch.cat(x), torch.cat(y))
    out = _out(asked)
    with writing(f"out={out}"):
        FORMATS[asked["format"]][1](out, splits)
    log.info("%s: %d training examples, %d of them new", out, len(splits["train"].y), sum(len(new.y) for new in made))


def _as_they_are(data: DataModule, split: SplitName) -> Labelled:
    """All examples of a split; -1 is the class of those without a label."""
    batch = data.examples(split, 2**31)
    return Labelled(batch["x"], batch.get("y", torch.full((len(batch["x"]),), -1)))


def _parts(batch: Batch, size: int, device: torch.device) -> Iterator[Batch]:
    """The labelled examples in an order drawn anew, `size` at a time."""
    known = torch.nonzero(batch["y"] >= 0)[:, 0]
    for chosen in known[torch.randperm(len(known))].split(size):
        yield {"x": batch["x"][chosen].to(device), "y": batch["y"][chosen].to(device)}


def _out(asked: Settings) -> Path:
    """The file or folder to write."""
    suffix = FORMATS[asked["format"]][0]
    if asked["out"] is None:
        return Path(asked["run"], f"augmented{suffix}")
    return Path(asked["out"]).expanduser()


def _check(cfg: DictConfig, asked: Settings) -> None:
    best_checkpoint(Path(cfg.run))
    if cfg.format not in FORMATS:
        raise UserError(f"format={cfg.format}: should be one of {', '.join(FORMATS)}")
    check_counts(asked, factor=2, batch_size=1, seed=0)
    device_named(cfg.device)
    refuse_existing(str(_out(asked)), folder=cfg.format == "png")
