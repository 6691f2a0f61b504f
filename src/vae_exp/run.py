"""A finished run, loaded from its folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from torch import Tensor
from torch.distributions import Distribution
from yaml import YAMLError

from vae_exp.analysis.likelihood import importance_nll
from vae_exp.build import Settings, build_model
from vae_exp.checkpoints import load_weights, read_checkpoint, run_checkpoint, spec_of
from vae_exp.config.check import check
from vae_exp.errors import UserError, reason_of
from vae_exp.models.base import Model
from vae_exp.models.vae import one_group
from vae_exp.types import Batch, Draw

PARTS = ("data", "model", "loss", "optimizer", "lr_schedule", "training", "trainer")
"""What the configuration of every run has."""


@dataclass(frozen=True)
class Run:
    """A trained model, ready to use, with the settings that it was trained with.

    Args:
        folder: The run's folder.
        settings: Its configuration, checked.
        model: The weights of its best checkpoint, in evaluation mode.
    """

    folder: Path
    settings: Settings
    model: Model

    @torch.no_grad()
    def encode(self, x: Tensor, y: Tensor | None = None) -> Distribution:
        """q(z|x), x [B, *x_shape] in [0, 1], labels y [B] for a model with a context -> batch_shape [B]."""
        return one_group(self.model, "encode").encode(self._examples(x), y)

    @torch.no_grad()
    def decode(self, z: Tensor, y: Tensor | None = None) -> Distribution:
        """p(x|z), z [..., latent_dim], labels y that broadcast to [...] -> batch_shape [...]."""
        return one_group(self.model, "decode").decode(z, y)

    @torch.no_grad()
    def sample(
        self, n: int, y: Tensor | None = None, temperature: float = 1.0, draw: Draw | None = None
    ) -> Distribution:
        """p(x|z) for `n` latents from the prior, or from a density of `vae_exp.fitted` in its place.

        `.mean` are the usual pictures, `.sample()` has the pixels' noise.
        """
        if y is not None and not self.model.conditional:
            raise UserError("sample: this model draws no class (model.context=none); leave y out")
        return self.model.sample(n, y, temperature, draw)

    def log_prob(
        self, x: Tensor, y: Tensor | None = None, *, num_samples: int | None = None, rows: int | None = None
    ) -> Tensor:
        """Importance-sampled log p(x), a lower bound that rises with `num_samples`; [B], nats.

        Args:
            x: [B, *x_shape] in [0, 1].
            y: Labels [B], for a model with a context.
            num_samples: Of each example; None for `evaluation.num_importance_samples`.
            rows: Latents decoded at a time; None for `evaluation.rows`.

        Raises:
            UserError: The model has no density, or gives none to all of x.
        """
        if not (self.model.density and self.model.covers):
            raise UserError(f"log_prob: {type(self.model).__name__} with these parts has no density p(x)")
        depth = self.settings["evaluation"]
        num_samples = depth["num_importance_samples"] if num_samples is None else num_samples
        rows = depth["rows"] if rows is None else rows
        if num_samples < 1 or rows < 1:
            raise UserError(f"log_prob: num_samples={num_samples}, rows={rows}: should be at least 1")
        batch: Batch = {"x": self._examples(x)} if y is None else {"x": self._examples(x), "y": y}
        return -importance_nll(self.model, batch, num_samples=num_samples, rows=rows)

    def _examples(self, x: Tensor) -> Tensor:
        shape = self.model.spec.x_shape
        if x.shape[1:] != shape or not x.is_floating_point():
            raise UserError(
                f"x: is {x.dtype}, {list(x.shape)}; should be floating point, [B, {', '.join(map(str, shape))}]"
            )
        if len(x) and not (x.min() >= 0 and x.max() <= 1):
            raise UserError(f"x: is between {x.min():g} and {x.max():g}; should be in [0, 1]")
        return x


def load_run(folder: str | Path, *, device: str | torch.device = "cpu", trusted_packages: Sequence[str] = ()) -> Run:
    """Load a run's best checkpoint; neither its data nor a network connection is needed.

    Args:
        folder: The run's folder.
        device: Where the model goes.
        trusted_packages: Packages of yours whose parts the run uses; what the run's own config says of it is not
            trusted, since the folder may be a stranger's.

    Raises:
        UserError: The folder is no run, its checkpoint is broken, or belongs to another model.
    """
    settings = load_settings(folder, trusted_packages=trusted_packages)
    checkpoint = read_checkpoint(best_checkpoint(Path(folder)))
    model = build_model(settings, spec_of(checkpoint))
    load_weights(model, checkpoint)
    return Run(Path(folder), settings, model.to(device).eval())


def load_settings(
    folder: str | Path,
    replaced: Settings | None = None,
    *,
    data: Settings | None = None,
    trusted_packages: Sequence[str] = (),
) -> Settings:
    """The checked configuration of a run.

    Args:
        folder: The run's folder.
        replaced: Top-level nodes put in the place of the run's own.
        data: Values put in the place of those of its `data`.
        trusted_packages: As in `load_run`.

    Raises:
        UserError: The folder is no run.
    """
    path = _saved_config(Path(folder))
    mine = {"run_dir": str(Path(folder).absolute()), "trusted_packages": list(trusted_packages)}
    try:
        saved = OmegaConf.to_container(OmegaConf.load(path))
        if not isinstance(saved, dict) or not all(_names_a_part(saved.get(name)) for name in PARTS):
            raise UserError(f"{path} is not the configuration of a training run; give the folder of one")
        for key in (data or {}).keys() - saved["data"].keys():
            raise UserError(f"data.{key}: the data of run={folder} have no {key}, and cannot be read from another")
        base: dict[Any, Any] = {**saved, **(replaced or {}), **mine}
        cfg = OmegaConf.merge(base, {"data": data or {}})
    except (OmegaConfBaseException, YAMLError, OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {reason_of(error)}") from error
    assert isinstance(cfg, DictConfig)
    return check(cfg, trusted=trusted_packages)


def best_checkpoint(folder: Path) -> Path:
    """The best checkpoint, or the last one where there was no validation.

    Raises:
        UserError: The folder is no run, or the run has none yet.
    """
    _saved_config(folder)
    return run_checkpoint(folder, "run")


def _saved_config(folder: Path) -> Path:
    path = folder / ".hydra" / "config.yaml"
    if not path.is_file():
        raise UserError(f"run={folder} is not a run's folder: it has no .hydra/config.yaml")
    return path


def _names_a_part(node: Any) -> bool:
    return isinstance(node, dict) and "_target_" in node
