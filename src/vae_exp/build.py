"""The one place where a checked configuration becomes objects, for training and for reloading alike."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning import Callback, Trainer
from pytorch_lightning.loggers import Logger
from torch.optim import Optimizer

from vae_exp.config.instantiate import instantiate
from vae_exp.config.nearest import suggestion
from vae_exp.data.datamodule import DataModule
from vae_exp.errors import UserError, of_kind
from vae_exp.losses.base import MEANING, Loss
from vae_exp.metrics.base import VAEMetric
from vae_exp.models.base import Model
from vae_exp.models.vae import one_group
from vae_exp.schedules import Schedule
from vae_exp.training.callbacks.checkpoint import WholeFileIO
from vae_exp.training.lit import LitVAE
from vae_exp.training.precision import resolved
from vae_exp.types import DataSpec

Kind = TypeVar("Kind")

Settings = dict[str, Any]
"""A configuration as `config.check` returns it: resolved, in plain containers."""

NOT_FOR_THE_USER = (
    ".*isinstance.treespec, LeafSpec.*",  # Lightning 2.6 with torch >= 2.10
    "The number of training batches.*smaller than the logging interval",  # an epoch's end is logged, too
    "The .srun. command is available on your system but is not used",  # a machine of a cluster can be used without it
)
"""Warnings of Lightning that ask nothing of the user."""


def build_data(settings: Settings) -> DataModule:
    """The data, loaded."""
    data = of_kind(_part(settings, "data"), DataModule, "data")
    data.setup()
    return data


def build_model(settings: Settings, spec: DataSpec) -> Model:
    """The model, sized for its data.

    Raises:
        UserError: A part does not fit the data.
    """
    unfinished = _part(settings, "model")
    try:
        return of_kind(unfinished(spec=spec), Model, "model")
    except UserError:
        raise
    except (ValueError, TypeError) as error:  # TypeError: a run of another version lacks a key, or has one too many
        raise UserError(f"model: {error}") from error


def build_optimizer(settings: Settings) -> Callable[..., Optimizer]:
    """(parameter groups) -> optimizer.

    Raises:
        UserError: The optimizer refuses its settings; when it is called.
    """
    chosen = settings["optimizer"]
    if settings["trainer"].get("precision") == "16-mixed" and chosen.get("fused"):
        # Its scaler must see the gradients before they are clipped, which fused optimizers do not let it.
        chosen = {**chosen, "fused": False}
    unfinished = _part({**settings, "optimizer": chosen}, "optimizer")

    def optimizer(groups: Any) -> Optimizer:
        try:
            made: Optimizer = unfinished(groups)
        except (ValueError, TypeError, IndexError, RuntimeError) as error:
            raise UserError(f"optimizer: {error}") from error
        return made

    return optimizer


def build_loss(settings: Settings, model: Model) -> Loss:
    """The loss.

    Raises:
        UserError: It does not apply to the model, or does not fit its sizes; or the model's own parts do not go
            together.
    """
    chosen = _part(settings, "loss")
    # An unfinished one owns a network, whose sizes the model knows.
    loss = of_kind(_finished(chosen, model) if isinstance(chosen, partial) else chosen, Loss, "loss")
    if unknown := [need for need in loss.needs if need not in MEANING]:
        raise UserError(f"loss: {type(loss).__name__} needs {unknown[0]}{suggestion(unknown[0], MEANING)}")
    had = model.properties()  # whatever the loss needs: this is where a misfit of the model's own parts is found
    missing = [need for need in loss.needs if need not in had]
    if missing:
        raise UserError(f"loss: {type(loss).__name__} needs {' and '.join(MEANING[need] for need in missing)}")
    return loss


def _finished(unfinished: Callable[..., Loss], model: Model) -> Loss:
    wanted, sizes = inspect.signature(unfinished).parameters, {"x_shape": model.spec.x_shape}
    if "event_shape" in wanted:
        sizes["event_shape"] = one_group(model, "loss: a network of latents").posterior.event_shape
    try:
        return unfinished(**{name: size for name, size in sizes.items() if name in wanted})
    except ValueError as error:
        raise UserError(f"loss: {error}") from error


def build_module(settings: Settings, model: Model) -> LitVAE:
    """The model with everything that its training needs.

    Raises:
        UserError: Its parts do not go together.
    """
    if settings["training"]["skip_above"] is not None and settings["trainer"].get("precision") == "16-mixed":
        raise UserError(
            "training.skip_above: trainer.precision=16-mixed decides before what is skipped; use bf16-mixed"
        )
    module: LitVAE = _part(settings, "training")(
        model=model,
        loss=build_loss(settings, model),
        optimizer=build_optimizer(settings),
        lr_schedule=of_kind(_part(settings, "lr_schedule"), Schedule, "lr_schedule"),
        metrics=_parts(settings, "metrics", VAEMetric),
    )
    return module


def build_trainer(settings: Settings, model: Model | None = None) -> Trainer:
    """Lightning's trainer, with the run's callbacks and loggers.

    Args:
        settings: The configuration.
        model: What is trained, by which `trainer.precision=auto` goes; None where that is not known yet.

    Raises:
        UserError: Lightning refuses the settings, or a device is not there.
    """
    for message in NOT_FOR_THE_USER:
        warnings.filterwarnings("ignore", message=message)
    try:
        trainer: Trainer = _part(with_precision(settings, model), "trainer")(
            callbacks=list(_parts(settings, "callbacks", Callback).values()),
            logger=list(_parts(settings, "logger", Logger).values()),
            plugins=[WholeFileIO(), *_cluster()],
            default_root_dir=settings["run_dir"],
        )
    except UserError:
        raise
    except (ValueError, TypeError, RuntimeError, MisconfigurationException) as error:
        raise UserError(f"trainer: {error}") from error
    return trainer


def _cluster() -> list[SLURMEnvironment]:
    """SLURM as Lightning sees it, without Lightning's way of requeueing, which knows nothing of the run's folder."""
    if TorchElasticEnvironment.detect() or not SLURMEnvironment.detect():
        return []
    return [SLURMEnvironment(auto_requeue=False)]


def with_precision(settings: Settings, model: Model | None = None) -> Settings:
    """The configuration with what `trainer.precision=auto` stands for."""
    trainer = settings["trainer"]
    if "precision" not in trainer:
        return settings
    precision = resolved(trainer["precision"], model, str(trainer.get("accelerator", "auto")))
    return {**settings, "trainer": {**trainer, "precision": precision}}


def _part(settings: Settings, name: str) -> Any:
    return instantiate(settings[name], settings["trusted_packages"], name)


def nodes_of(settings: Settings, name: str) -> dict[str, dict[str, Any]]:
    """Those of a group of which several, or none, may be chosen, by their keys; null leaves one out.

    Raises:
        UserError: One of them is no part.
    """
    chosen = settings[name]
    for key, node in chosen.items():
        if node is not None and not (isinstance(node, dict) and "_target_" in node):
            raise UserError(
                f"{name}.{key} has no _target_, which would say what it is; parts are added by {name}=[default,NAME]"
            )
    return {f"{name}.{key}": node for key, node in chosen.items() if node is not None}


def _parts(settings: Settings, name: str, kind: type[Kind]) -> dict[str, Kind]:
    made = {key: instantiate(node, settings["trusted_packages"], key) for key, node in nodes_of(settings, name).items()}
    return {key.rpartition(".")[2]: of_kind(part, kind, key) for key, part in made.items()}
