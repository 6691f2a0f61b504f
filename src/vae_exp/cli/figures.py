"""What a run says of itself: the model before it, the figures after it, and metrics.json."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from vae_exp.files import read_json, write_whole
from vae_exp.report.numbers import with_error
from vae_exp.training.lit import LitVAE

Figures = dict[str, Any]


def show_model(model: nn.Module) -> None:
    """Print the parts of a model and their sizes."""
    table = Table("part", "", "parameters", title_justify="left", title="model")
    for name, size in sizes(model).items():
        kind = "" if name == "all" else type(model.get_submodule(name)).__name__
        table.add_row(name, kind, f"{size:,}")
    table.columns[2].justify = "right"
    Console().print(table)


def sizes(model: nn.Module) -> dict[str, int]:
    """Number of parameters of each part of a model, by its name, and of `all` of it."""
    parts = {**dict(model.named_children()), "all": model}
    return {name: sum(p.numel() for p in part.parameters()) for name, part in parts.items()}


def device_name(trainer: pl.Trainer) -> str:
    """What a run is computed on, such as `cpu` or `2 x NVIDIA A100`."""
    device = trainer.strategy.root_device
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    return f"{trainer.world_size} x {name}" if trainer.world_size > 1 else name


def figures_of(trainer: pl.Trainer, module: LitVAE) -> Figures:
    """What the last evaluation found: numbers, and vectors as lists, by name."""
    numbers = {name: float(value) for name, value in trainer.callback_metrics.items()}
    return numbers | {name: value.tolist() for name, value in module.vectors.items()}


def vectors_of(folder: Path) -> dict[str, Tensor]:
    """The vectors among the figures of a run's metrics.json, by name."""
    path = folder / "metrics.json"
    figures: Figures = read_json(path) if path.is_file() else {}
    vectors = {name: value for name, value in figures.items() if isinstance(value, list)}
    return {name: torch.tensor([math.nan if v is None else v for v in value]) for name, value in vectors.items()}


def merge_figures(folder: Path, figures: Figures) -> None:
    """Put figures into the run's metrics.json, beside those that are there."""
    path = folder / "metrics.json"
    merged = (read_json(path) if path.is_file() else {}) | figures
    plain = {name: _plain(value) for name, value in sorted(merged.items())}
    write_whole(path, json.dumps(plain, indent=2) + "\n")


def _plain(value: Any) -> Any:
    """As JSON can have it, which has no nan: a figure that is none is null."""
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def pictures_of(folder: Path) -> dict[Path, int]:
    """The pictures in a run's folder, and when each was written."""
    return {path: path.stat().st_mtime_ns for path in sorted((folder / "images").glob("*.[pg][ni][gf]"))}


def show(figures: Figures, folder: Path, before: dict[Path, int]) -> None:
    """Print the figures as a table, and where the pictures are that were not there before."""
    numbers = [name for name, value in figures.items() if not isinstance(value, list)]
    stages = [stage for stage in ("val", "test") if any(name.startswith(f"{stage}/") for name in numbers)]
    names = dict.fromkeys(name.split("/")[1] for name in numbers)
    table = Table("figure", *stages, title_justify="left", title="per example, ± standard error; likelihoods in nats")
    for name in names:
        table.add_row(name, *(_cell(figures, f"{stage}/{name}") for stage in stages))
    console = Console()
    if names:
        console.print(table)
    for picture, written in pictures_of(folder).items():
        if before.get(picture) != written:
            console.print(str(picture), soft_wrap=True, highlight=False)


def _cell(figures: Figures, key: str) -> str:
    if key not in figures:
        return ""
    return with_error(figures[key], figures.get(f"{key}/se"))
