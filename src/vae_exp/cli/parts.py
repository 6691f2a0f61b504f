"""Whether the parts of a sweep's runs go together, found out before the first of them begins."""

from __future__ import annotations

import json

import torch
from hydra.utils import get_class
from omegaconf import DictConfig

from hydra_plugins.vae_exp_clusters._elsewhere import Elsewhere
from vae_exp.build import Settings, build_data, build_loss, build_model
from vae_exp.errors import UserError
from vae_exp.types import DataSpec


class Parts:
    """Makes the model and the loss of one run after the other; the data, whose sizes they are made for, load once."""

    def __init__(self) -> None:
        self._specs: dict[str, DataSpec | UserError] = {}
        self._good: set[str] = set()

    def check(self, cfg: DictConfig, settings: Settings) -> None:
        """Make them.

        Args:
            cfg: The composed configuration, with its `hydra` node.
            settings: The same, checked.

        Raises:
            UserError: The data cannot be had, or a part does not fit them.
        """
        of_data = json.dumps({**settings["data"], "seed": None}, sort_keys=True)  # which orders what was loaded
        parts = json.dumps([of_data, settings["model"], settings["loss"]], sort_keys=True)
        if parts in self._good:
            return
        if of_data not in self._specs:
            self._specs[of_data] = _spec(settings)
        spec = self._specs[of_data]
        if isinstance(spec, DataSpec):
            _make(settings, spec)
            self._good.add(parts)
        elif not issubclass(get_class(cfg.hydra.launcher._target_), Elsewhere):  # there, its own data count
            raise spec


def _spec(settings: Settings) -> DataSpec | UserError:
    try:
        return build_data(settings).spec
    except UserError as error:
        return error


def _make(settings: Settings, spec: DataSpec) -> None:
    try:
        with torch.device("meta"):  # sizes without weights, in no time
            build_loss(settings, build_model(settings, spec))
    except Exception:  # a misfit; or a part that looks at its weights, and is to have them
        with torch.random.fork_rng(devices=[]):
            build_loss(settings, build_model(settings, spec))
