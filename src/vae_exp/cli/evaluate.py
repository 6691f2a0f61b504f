"""vae-exp evaluate: the figures of a finished run, computed again."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from omegaconf import DictConfig, OmegaConf
from torch.distributions import Distribution

from vae_exp.build import Settings, build_data, build_model, build_module, build_trainer
from vae_exp.checkpoints import load_weights, read_checkpoint, spec_of
from vae_exp.cli.figures import figures_of, merge_figures, pictures_of, show, vectors_of
from vae_exp.cli.hydra_app import run_hydra
from vae_exp.cli.preflight import check_lists, check_trainer, check_writable
from vae_exp.cli.stop import stoppable
from vae_exp.config.check import check
from vae_exp.run import best_checkpoint, load_settings

log = logging.getLogger(__name__)

REPLACED = ("trainer", "metrics", "evaluation", "callbacks", "view")


def main(argv: list[str]) -> int:
    """Run `vae-exp evaluate` with these overrides."""
    return run_hydra("evaluate", argv, evaluate, before=_check, checked=_asked)


def evaluate(cfg: DictConfig) -> None:
    """Evaluate a run's best checkpoint on the test set and put the figures into its metrics.json."""
    folder = Path(cfg.run)
    settings = _load(cfg)
    checkpoint = read_checkpoint(best_checkpoint(folder))
    Distribution.set_default_validate_args(False)  # as in training
    pl.seed_everything(settings["seed"], verbose=False)
    model = build_model(settings, spec_of(checkpoint))
    load_weights(model, checkpoint)
    module, trainer = build_module(settings, model), build_trainer(settings, model)
    data = build_data(settings)
    if cfg.data.path is None:
        module.vectors |= vectors_of(folder)  # views name latents with their KL, which may not be measured again
    else:
        log.warning("the figures and pictures of data.path=%s take the place of the run's own", cfg.data.path)
    before = pictures_of(folder)
    with stoppable():
        trainer.test(module, datamodule=data, verbose=False)
    figures = figures_of(trainer, module)
    if trainer.is_global_zero:
        merge_figures(folder, figures)
        show(figures, folder, before)


def _asked(cfg: DictConfig) -> Settings:
    """What is asked; metrics may refer to the run's data, and are checked with them."""
    return check(OmegaConf.masked_copy(cfg, [str(key) for key in cfg if key != "metrics"]))


def _check(cfg: DictConfig, asked: Settings) -> None:
    del asked  # it is the run's configuration that counts
    best_checkpoint(Path(cfg.run))
    check_writable(Path(cfg.run))
    settings = _load(cfg)
    check_lists(settings)
    check_trainer(cfg, settings)


def _load(cfg: DictConfig) -> dict[str, Any]:
    raw = OmegaConf.to_container(cfg, resolve=False)
    assert isinstance(raw, dict)
    changes = {key: raw[key] for key in REPLACED} | {"logger": {}}
    data = {key: value for key, value in raw["data"].items() if value is not None}
    return load_settings(cfg.run, changes, data=data, trusted_packages=list(cfg.trusted_packages))
