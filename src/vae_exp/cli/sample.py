"""vae-exp sample: pictures from a finished run."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from torch import Tensor

from vae_exp.analysis.generate import Source
from vae_exp.build import Settings
from vae_exp.cli.failure import writing
from vae_exp.cli.finished import check_counts, data_of, device_named, refuse_existing
from vae_exp.cli.hydra_app import run_hydra
from vae_exp.cli.image_files import FORMATS
from vae_exp.config.check import check
from vae_exp.config.instantiate import instantiate
from vae_exp.data.datamodule import DataModule
from vae_exp.errors import UserError
from vae_exp.fitted import fitted_draw
from vae_exp.run import Run, best_checkpoint, load_run
from vae_exp.training import rng
from vae_exp.types import Batch, Draw, moved

log = logging.getLogger(__name__)

OF_DRAWS = {"temperature", "sampler", "label"}
"""Keys that mean something where latents are drawn from the prior, or from a density in its place."""


def main(argv: list[str]) -> int:
    """Run `vae-exp sample` with these overrides."""
    return run_hydra("sample", argv, sample, before=_check)


def sample(cfg: DictConfig) -> None:
    """Draw images and write them."""
    asked = check(cfg)
    run = load_run(asked["run"], device=device_named(asked["device"]), trusted_packages=asked["trusted_packages"])
    if not run.model.spec.pictures:
        raise UserError(
            f"run={asked['run']} has no pictures to sample; `vae-exp recommend` says what its users may like"
        )
    rows = instantiate(asked["what"], asked["trusted_packages"], "what")
    source = Source(lambda n: _examples(run, asked, n), lambda: _draw(run, asked))

    made = 0

    def images() -> Iterator[Tensor]:
        nonlocal made
        with rng.isolated(asked["seed"]):
            for some in rows(run.model, source, asked["num"], asked["batch_size"]):
                made += len(some)
                yield some

    out = _out(asked)
    _, write = FORMATS[asked["format"]]
    with writing(f"out={out}"):
        write(out, images())
    if made < asked["num"] and "num" in _given(HydraConfig.get().overrides.task):
        log.warning("num=%d: there are no more than %d of them", asked["num"], made)
    log.info("%s", out)


def _examples(run: Run, asked: Settings, n: int) -> Batch:
    """The first n prepared test examples."""
    return moved(data_of(run, asked).examples("test", n), next(run.model.parameters()).device)


def _draw(run: Run, asked: Settings) -> Draw | None:
    """Where latents are drawn; None for the prior."""
    if not asked["sampler"]:
        return None

    def data() -> DataModule:
        return data_of(run, asked, num_labels=None)  # each example once, labelled or not

    return fitted_draw(run, asked["sampler"], asked["sampler_name"], data, asked["temperature"], asked["data"]["path"])


def _out(asked: Settings) -> Path:
    """The file or folder to write: one that is not there yet, unless it is the run's own file."""
    if asked["out"] is not None:
        refuse_existing(asked["out"], folder=asked["format"] == "png")
        return Path(asked["out"]).expanduser()
    own = Path(asked["run"], "images", asked["name"] + FORMATS[asked["format"]][0])
    if asked["format"] == "png":  # a folder of pictures is not replaced; one file is
        refuse_existing(str(own), folder=True)
    return own


def _given(overrides: Sequence[str]) -> set[str]:
    """Keys on the command line."""
    return {word.partition("=")[0].lstrip("+") for word in overrides}


def _check(cfg: DictConfig, asked: Settings) -> None:
    best_checkpoint(Path(cfg.run))
    if cfg.format not in FORMATS:
        raise UserError(f"format={cfg.format}: should be one of {', '.join(FORMATS)}")
    check_counts(asked, num=1, batch_size=1, seed=0)
    device_named(cfg.device)
    for key in OF_DRAWS & _given(cfg.hydra.overrides.task):
        if "temperature" not in asked["what"]:
            raise UserError(f"{key}: what={asked['name']} draws nothing from the prior; use what=sample")
    _out(asked)
