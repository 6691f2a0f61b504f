"""What can be known of a trainer and an optimizer before a run has a folder: whether they can be made at all."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from hydra.types import RunMode
from hydra.utils import get_class
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning import Trainer
from pytorch_lightning.accelerators import CPUAccelerator

from hydra_plugins.vae_exp_clusters._elsewhere import Elsewhere
from vae_exp.build import Settings, build_optimizer, build_trainer, nodes_of, with_precision
from vae_exp.config.keys import SEVERAL
from vae_exp.config.locate import locate
from vae_exp.config.signature import check_values
from vae_exp.errors import UserError
from vae_exp.training.callbacks.checkpoint import LastAndBest

POSITIVE = (
    "accumulate_grad_batches",
    "check_val_every_n_epoch",
    "limit_test_batches",
    "limit_train_batches",
    "limit_val_batches",
    "max_epochs",
    "max_steps",
    "num_nodes",
)
"""Arguments of the trainer of which Lightning accepts 0, with nothing to show for it at the end."""


NOT_HERE = {
    "logger": "choose by logger=csv, or logger=none",
    "callbacks": "choose by callbacks=[default,NAME]",
    "plugins": "use trainer.precision, trainer.strategy and callbacks",
    "default_root_dir": "use hydra.run.dir=DIR",
    "enable_checkpointing": "a run without a checkpoint could not be evaluated; leave it out",
    "enable_progress_bar": "use callbacks.progress=null",
    "barebones": "use logger=none view=none",
    "profiler": "profile the whole command, as by `py-spy record -- vae-exp train ...`",
}
"""Arguments of Lightning's trainer that have another place here, or none."""


def check_trainer(cfg: DictConfig, settings: Settings) -> None:
    """Check the types and ranges of the trainer's arguments, and whether this machine has the devices.

    Args:
        cfg: The composed configuration, with its `hydra` node.
        settings: The same, checked.

    Raises:
        UserError: A run with this trainer would fail, or do nothing.
    """
    _check_types(with_precision(settings), "trainer")
    given = settings["trainer"]
    for name in NOT_HERE.keys() & given.keys():
        raise UserError(f"trainer.{name} is not taken: {NOT_HERE[name]}")
    if given.get("precision") in ("bf16-true", "16-true"):
        raise UserError(
            f"trainer.precision={given['precision']}: log-probabilities need float32; use bf16-mixed or 16-mixed"
        )
    for name in POSITIVE:
        if given.get(name) == 0:
            raise UserError(f"trainer.{name}=0: should be greater than 0; leave it out for what it is by default")
    if (given.get("gradient_clip_val") or 0) < 0:
        raise UserError(f"trainer.gradient_clip_val={given['gradient_clip_val']}: should be at least 0, or null")
    sweep = cfg.hydra.mode == RunMode.MULTIRUN
    launcher = get_class(cfg.hydra.launcher._target_) if sweep else None
    if launcher is not None and issubclass(launcher, Elsewhere):
        launcher.check(cfg)  # what the other machines have is found out there
    else:
        with _quiet():
            trainer = build_trainer({**settings, "callbacks": {}, "logger": {}})
        _check_devices(trainer, sweep=sweep)
        _check_folder(trainer, cfg)


def check_keys(cfg: DictConfig) -> None:
    """Check what a run is told besides its parts.

    Raises:
        UserError: `resume` or a key of `sweep` is not what it can be.
    """
    if not isinstance(resume := cfg.get("resume"), str):
        raise UserError(
            f"resume={'null' if resume is None else resume}: should be auto, never or the path of a checkpoint"
        )
    sweep = cfg.sweep
    if sweep.on_conflict not in ("error", "rerun"):
        raise UserError(f"sweep.on_conflict={sweep.on_conflict}: should be error or rerun")
    if not isinstance(sweep.metric, str) or not sweep.metric.startswith(("val/", "test/")):
        raise UserError(f"sweep.metric={sweep.metric}: should be the name of a figure, such as val/nelbo or test/nll")
    if not OmegaConf.is_list(sweep.axes) or not all(isinstance(key, str) for key in sweep.axes):
        raise UserError(f"sweep.axes={sweep.axes}: should be a list of keys, such as [model.latent_dim,seed]")


def check_optimizer(settings: Settings) -> None:
    """Make the optimizer once, of a weight that nobody needs.

    Raises:
        UserError: It refuses its settings.
    """
    _check_types(settings, "optimizer")
    build_optimizer(settings)([{"params": [torch.nn.Parameter(torch.zeros(1))]}])


def check_lists(settings: Settings) -> None:
    """Check the groups of which several parts can be chosen, or none.

    Raises:
        UserError: A metric, a view, a logger or a callback is no part.
    """
    for name in SEVERAL:
        nodes_of(settings, name)


def check_saves(settings: Settings) -> None:
    """Check that training leaves a checkpoint.

    Raises:
        UserError: None of the callbacks writes any.
    """
    callbacks = nodes_of(settings, "callbacks").items()
    kinds = [locate(node["_target_"], settings["trusted_packages"], key) for key, node in callbacks]
    if not any(isinstance(kind, type) and issubclass(kind, LastAndBest) for kind in kinds):
        raise UserError(
            "callbacks: none of them writes checkpoints/best.ckpt, which is what is evaluated and drawn; leave "
            "callbacks.checkpoint as it is, or add it, as in callbacks=[checkpoint,progress]"
        )


def _check_types(settings: Settings, name: str) -> None:
    given = {key: value for key, value in settings[name].items() if not key.startswith("_")}
    check_values(locate(settings[name]["_target_"], settings["trusted_packages"], name), given, name)


def _check_devices(trainer: Trainer, *, sweep: bool) -> None:
    cores = os.cpu_count() or 1
    if isinstance(trainer.accelerator, CPUAccelerator) and trainer.num_devices > cores:
        raise UserError(
            f"trainer.devices={trainer.num_devices}: this machine has {cores} processor cores; use at most that many"
        )
    if sweep and trainer.world_size > 1:
        # Lightning starts the other processes by giving the command again: each would begin the whole sweep.
        raise UserError(
            f"trainer.devices={trainer.num_devices}: a run of a sweep on one machine has one process; use "
            "trainer.devices=1, or give the runs one by one, without -m"
        )


def _check_folder(trainer: Trainer, cfg: DictConfig) -> None:
    others = trainer.world_size > 1 and trainer.strategy.launcher is None  # torchrun or srun has started them
    if others and not any(word.startswith("hydra.run.dir=") for word in cfg.hydra.overrides.hydra):
        raise UserError(
            f"{trainer.world_size} processes that were started by torchrun or srun would each have a folder, called by "
            "its time; give hydra.run.dir=DIR"
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Lightning tells of its devices, which the run itself will do again."""
    loggers = [logging.getLogger(name) for name in ("pytorch_lightning", "lightning_fabric", "lightning")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def check_writable(folder: Any) -> None:
    """Check that the figures of a long computation will find a place.

    Raises:
        UserError: The folder cannot be written to.
    """
    if not os.access(folder, os.W_OK):
        raise UserError(f"run={folder} is a folder that cannot be written to; change its permissions, or copy it")
