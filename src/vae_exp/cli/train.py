"""vae-exp train: one run, from its configuration to its figures and pictures."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Mapping
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from lightning_utilities.core.rank_zero import rank_zero_only
from omegaconf import DictConfig
from torch.distributions import Distribution

from vae_exp.build import Settings, build_data, build_model, build_module, build_trainer
from vae_exp.checkpoints import load_weights, read_checkpoint
from vae_exp.cli.failure import log_to_file
from vae_exp.cli.figures import device_name, figures_of, merge_figures, pictures_of, show, show_model, sizes
from vae_exp.cli.hydra_app import run_hydra
from vae_exp.cli.isolation import isolated, without_denormals
from vae_exp.cli.memory import keep_freed
from vae_exp.cli.parts import Parts
from vae_exp.cli.preflight import check_keys, check_lists, check_optimizer, check_saves, check_trainer
from vae_exp.cli.requeue import requeued
from vae_exp.cli.standing import standing
from vae_exp.cli.stop import left_to_lightning, stoppable
from vae_exp.cli.trials import pruned, pruning_of
from vae_exp.config.check import check
from vae_exp.config.names import run_folder, run_keys
from vae_exp.config.saved import save_config
from vae_exp.data.datamodule import DataModule
from vae_exp.errors import UserError
from vae_exp.files import remove_partial
from vae_exp.run import best_checkpoint
from vae_exp.sweeps import leftovers
from vae_exp.sweeps.lock import held
from vae_exp.sweeps.objective import objective, saved_objective
from vae_exp.sweeps.status import recorded
from vae_exp.training.callbacks.checkpoint import monitored
from vae_exp.training.lit import LitVAE
from vae_exp.training.resume import begin_again, check_start, refuse_changes, resume_point
from vae_exp.training.tensorboard import forget_after, log_hyperparameters

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """All that a run is made of, ready to go.

    Args:
        settings: Its configuration, checked.
        data: Its data, loaded.
        module: What is trained.
        trainer: What trains it.
        start: The checkpoint that it goes on from, None for the beginning.
        step: Steps that were taken before.
    """

    settings: Settings
    data: DataModule
    module: LitVAE
    trainer: pl.Trainer
    start: Path | None
    step: int


def main(argv: list[str]) -> int:
    """Run `vae-exp train` with these overrides."""
    return run_hydra("train", argv, train, before=partial(_check, Parts()))


def train(cfg: DictConfig) -> float:
    """Train, evaluate and draw; returns the run's objective (`sweep.metric`), which Hydra's sweepers minimise.

    A run of a sweep that is finished is not done again; its objective is read from its folder.
    """
    if _in_sweep() and standing(cfg, Path(cfg.run_dir)) == "finished":
        return saved_objective(Path(cfg.run_dir), cfg.sweep.metric)
    settings = check(cfg)
    folder = Path(settings["run_dir"])
    first = getattr(rank_zero_only, "rank", 0) == 0  # of the processes of this run
    with requeued(folder, first=first), isolated(), without_denormals(), held(folder) if first else nullcontext():
        if not first:
            logging.getLogger().setLevel(logging.WARNING)
        if _in_sweep():
            to_do = standing(cfg, folder)
            if to_do == "finished":  # meanwhile, by another process
                return saved_objective(folder, settings["sweep"]["metric"])
            if to_do == "restart":
                if first:
                    begin_again(folder)  # now: a kill in the next moment must not leave the old run to go on with
                settings["resume"] = "never"
        elif first:
            refuse_changes(cfg, folder)  # again: another command may have begun here since it was checked
        if first:
            remove_partial(folder)
        return _train(cfg, settings, folder, first)


def _train(cfg: DictConfig, settings: Settings, folder: Path, first: bool) -> float:
    in_vain = first and leftovers.is_new(folder) and not _in_sweep()
    try:
        with ExitStack() as stack:
            stack.enter_context(stoppable())
            note = stack.enter_context(recorded(folder)) if first else _unnoted
            job = _prepared(settings)
            if first:
                if job.start is None:
                    begin_again(folder)
                save_config(cfg, folder)
                note({"device": device_name(job.trainer), "parameters": sizes(job.module.model)})
            try:
                figures = _run(job)
            finally:
                in_vain = in_vain and job.trainer.global_step == 0
            note({"schedules": job.module.loss_schedules()})
            if pruned(job.trainer):
                note({"state": "pruned"})
            return objective(figures, settings["sweep"]["metric"])
    except (KeyboardInterrupt, SystemExit):
        if not _in_sweep():  # whose end tells how to go on
            log.info("stopped; the same command with hydra.run.dir=%s goes on", folder)
        raise
    except Exception as error:
        if in_vain:
            leftovers.remove(folder)
        elif first:
            log_to_file(error)
        raise


def _unnoted(facts: Mapping[str, Any]) -> None:
    """Of the processes of a run the first writes its status."""


def _in_sweep() -> bool:
    return bool(HydraConfig.get().mode == RunMode.MULTIRUN)


def _check(parts: Parts, cfg: DictConfig, settings: Settings) -> None:
    """What can be known before the run has a folder."""
    check_keys(cfg)
    folder = run_folder(cfg)
    sweep = cfg.hydra.mode == RunMode.MULTIRUN
    finished = sweep and standing(cfg, folder) == "finished"
    if not sweep:
        refuse_changes(cfg, folder)
    check_optimizer(settings)
    check_lists(settings)
    check_saves(settings)
    check_trainer(cfg, settings)
    if sweep and not finished:  # a run by itself says at once what is wrong with it
        with without_denormals():
            parts.check(cfg, settings)
    start = resume_point(settings["resume"], folder)
    if start is not None and not finished:
        check_start(start, settings["trainer"].get("max_epochs"), folder)


def _prepared(settings: Settings) -> Job:
    keep_freed()
    if not torch.cuda.is_available():
        # An optimizer asks at every step whether there is a GPU, for which the driver is looked for on the disk.
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    Distribution.set_default_validate_args(False)  # each check would wait for the device, and stop compilation
    pl.seed_everything(settings["seed"], verbose=False)
    data = build_data(settings)
    module = build_module(settings, build_model(settings, data.spec))
    trainer = build_trainer(settings, module.model)
    if settings["sweep"]["trial"] is not None:
        trainer.callbacks += pruning_of(settings["sweep"]["trial"], settings["sweep"]["metric"])  # type: ignore[attr-defined]
    start = resume_point(settings["resume"], Path(settings["run_dir"]))
    step = 0
    if start is not None:
        checkpoint = read_checkpoint(start)
        load_weights(module.model, checkpoint)  # says what is wrong with it, in one sentence
        step = checkpoint["global_step"]
    return Job(settings, data, module, trainer, start, step)


def _run(job: Job) -> dict[str, Any]:
    folder, trainer, module = Path(job.settings["run_dir"]), job.trainer, job.module
    if trainer.is_global_zero:
        if job.start is not None:
            forget_after(trainer.loggers, job.step)
            log.info("going on from %s", job.start)
        log.info("run %s", folder)
        show_model(module.model)
    with left_to_lightning():
        trainer.fit(module, datamodule=job.data, ckpt_path=job.start, weights_only=True)
    if pruned(trainer):
        return {name: float(value) for name, value in trainer.callback_metrics.items()}
    before = pictures_of(folder)
    figures = _final_figures(trainer, module, job.data, folder)
    if trainer.is_global_zero:
        if trainer.global_step > job.step:  # a finished run given again has filled the tab before
            called_by = run_keys(HydraConfig.get(), job.settings["sweep"]["axes"])
            log_hyperparameters(trainer.loggers, job.settings, figures, called_by)
        show(figures, folder, before)
    return figures


def _final_figures(trainer: pl.Trainer, module: LitVAE, data: DataModule, folder: Path) -> dict[str, Any]:
    """Figures of the best checkpoint, on the validation set and on the test set; also in metrics.json."""
    load_weights(module.model, read_checkpoint(best_checkpoint(folder)))
    # The curves are those of training: the best checkpoint's figures are no second point at its last step.
    loggers, trainer.loggers = trainer.loggers, []
    trainer.validate(module, datamodule=data, verbose=False)
    figures = figures_of(trainer, module)
    trainer.test(module, datamodule=data, verbose=False)
    figures |= figures_of(trainer, module)
    trainer.loggers = loggers
    _refuse_divergence(figures, monitored(module))
    if trainer.is_global_zero:
        merge_figures(folder, figures)
    return figures


def _refuse_divergence(figures: Mapping[str, Any], name: str) -> None:
    if not math.isfinite(value := figures.get(name, 0.0)):
        raise UserError(
            f"{name} is {value} after every epoch: training has diverged; a smaller optimizer.lr or "
            "trainer.gradient_clip_val=1 may help"
        )
