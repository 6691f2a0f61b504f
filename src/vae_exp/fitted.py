"""A density of latents, fitted to a finished run and kept beside it."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from vae_exp.build import Settings
from vae_exp.checkpoints import UNREADABLE, write_tensors
from vae_exp.config.instantiate import instantiate
from vae_exp.data.datamodule import DataModule
from vae_exp.files import DiskFullError
from vae_exp.run import Run, best_checkpoint
from vae_exp.samplers.by_class import ByClass, aggregated_posterior
from vae_exp.training import rng
from vae_exp.types import Batch, Draw, moved

log = logging.getLogger(__name__)


def fitted_draw(
    run: Run,
    sampler: Settings,
    name: str,
    data: Callable[[], DataModule],
    temperature: float = 1.0,
    path: str | None = None,
) -> Draw:
    """Draws from a density of the aggregated posterior of a run's training examples.

    The density is kept as samplers/NAME.pt in the run's folder, with what it was fitted with, and fitted again where
    that has changed: the sampler's settings, the checkpoint, or where the data are read from.

    Args:
        run: The run.
        sampler: Node of the sampler, such as conf/sampler/flow.yaml is.
        name: Of the file.
        data: The run's data, asked for only to fit.
        temperature: At which it will be drawn.
        path: Of the data, where that is not the run's.

    Raises:
        UserError: The latents are no real vectors, the density has no meaning at the temperature, or it cannot be
            fitted.
    """
    device = next(run.model.parameters()).device
    unfinished = instantiate(sampler, run.settings["trusted_packages"], "sampler")
    seed = run.settings["seed"]  # whatever seed the samples have
    with rng.isolated(seed):
        density = ByClass(run.model, unfinished, temperature).to(device)
    file = run.folder / "samplers" / f"{name}.pt"
    fitted_with = {"sampler": sampler, "checkpoint": _digest(best_checkpoint(run.folder)), "path": path}
    if not _load(density, file, fitted_with):
        log.info("fitting sampler=%s to the training examples", name)
        with rng.isolated(seed):
            density.fit(*aggregated_posterior(run.model, _training_examples(data(), device)))
        _save(density, file, fitted_with)
    return density.draw


def _training_examples(data: DataModule, device: torch.device) -> Iterator[Batch]:
    """All of them once, prepared as for training."""
    for batch in data.train_dataloader():
        yield data.prepare(moved(batch, device), train=True)


def _load(density: ByClass, path: Path, fitted_with: Settings) -> bool:
    """Take the density from its file; False where there is none that was fitted with the same."""
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        if saved["fitted_with"] != fitted_with:
            return False
        density.load_state_dict(saved["state_dict"])
    except UNREADABLE:
        return False  # not there, or broken: it can be fitted again
    return True


def _save(density: ByClass, path: Path, fitted_with: Settings) -> None:
    state = {name: value.cpu() for name, value in density.state_dict().items()}
    try:
        write_tensors(path, {"fitted_with": fitted_with, "state_dict": state})
    except (OSError, DiskFullError) as error:
        log.warning("%s cannot be written (%s); the density will be fitted anew the next time", path, error)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
