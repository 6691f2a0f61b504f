"""vae-exp train: one run, from its configuration to its figures and pictures."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from omegaconf import DictConfig
from pytorch_lightning.utilities.exceptions import SIGTERMException

from vae_exp.build import Settings, build_data, build_model, build_module, build_trainer
from vae_exp.cli.figures import figures_of, merge_figures, show, show_model
from vae_exp.cli.hydra_app import run_hydra
from vae_exp.config.check import check
from vae_exp.data.datamodule import DataModule
from vae_exp.run import best_checkpoint, load_weights, read_checkpoint
from vae_exp.sweeps.status import recorded
from vae_exp.training.callbacks.checkpoint import monitored
from vae_exp.training.lit import LitVAE
from vae_exp.training.resume import refuse_changes, resume_point
from vae_exp.training.tensorboard import forget_after, log_hyperparameters

log = logging.getLogger(__name__)


def main(argv: list[str]) -> int:
    """Run `vae-exp train` with these overrides."""
    return run_hydra("train", "train", argv, train, before=refuse_changes)


def train(cfg: DictConfig) -> float:
    """Train, evaluate and draw; returns the best validation nelbo, which Hydra's sweepers minimise."""
    settings = check(cfg)
    with recorded(Path(settings["run_dir"])):
        try:
            return _train(settings)
        except SIGTERMException:
            log.info("stopped by SIGTERM; the same command with hydra.run.dir=%s goes on", settings["run_dir"])
            raise SystemExit(143) from None


def _train(settings: Settings) -> float:
    folder = Path(settings["run_dir"])
    pl.seed_everything(settings["seed"], verbose=False)
    data = build_data(settings)
    module = build_module(settings, build_model(settings, data.spec))
    trainer = build_trainer(settings)
    start = resume_point(settings["resume"], folder)
    if start is not None:
        checkpoint = read_checkpoint(start)
        load_weights(module.model, checkpoint)  # says what is wrong with it, in one sentence
        forget_after(trainer.loggers, checkpoint["global_step"])
        log.info("going on from %s", start)
    if trainer.is_global_zero:
        log.info("run %s", folder)
        show_model(module.model)
    trainer.fit(module, datamodule=data, ckpt_path=start, weights_only=True)
    figures = _final_figures(trainer, module, data, folder)
    if trainer.is_global_zero:
        log_hyperparameters(trainer.loggers, settings, figures)
        show(figures, folder)
    return float(figures[monitored(module)])


def _final_figures(trainer: pl.Trainer, module: LitVAE, data: DataModule, folder: Path) -> dict[str, Any]:
    """Figures of the best checkpoint, on the validation set and on the test set; also in metrics.json."""
    load_weights(module.model, read_checkpoint(best_checkpoint(folder)))
    trainer.validate(module, datamodule=data, verbose=False)
    figures = figures_of(trainer, module)
    trainer.test(module, datamodule=data, verbose=False)
    figures |= figures_of(trainer, module)
    if trainer.is_global_zero:
        merge_figures(folder, figures)
    return figures
