"""What verbs that make pictures of a finished run share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig

from vae_exp.build import Settings, build_data
from vae_exp.data.datamodule import DataModule
from vae_exp.errors import UserError
from vae_exp.run import load_settings


def data_of_run(folder: Path, asked: Settings, **changes: Any) -> DataModule:
    """The run's data, from where they are now, with `changes` to the run's settings of them."""
    data = {key: value for key, value in asked["data"].items() if value is not None}
    settings = load_settings(folder, {}, data=data | changes, trusted_packages=asked["trusted_packages"])
    return build_data(settings)


def device_of(name: str) -> torch.device:
    """The device of that name; auto is the best that is there.

    Raises:
        UserError: It is not there.
    """
    try:
        if name == "auto":
            found = torch.accelerator.current_accelerator(check_available=True)
            return found if found is not None else torch.device("cpu")
        device = torch.device(name)
        torch.empty((), device=device)
    except (RuntimeError, AssertionError) as error:
        raise UserError(f"device={name} is not there; use device=auto or device=cpu") from error
    return device


def refuse_numbers(cfg: DictConfig, bounds: Sequence[tuple[str, int]]) -> None:
    """Refuse what is no whole number of 32 bits, or below its least value.

    Raises:
        UserError: One is not.
    """
    for key, least in bounds:
        if not isinstance(cfg[key], int) or not least <= cfg[key] < 2**32:
            raise UserError(f"{key}={cfg[key]}: should be a whole number, at least {least}")


def refuse_existing(asked: str, *, folder: bool) -> None:
    """Refuse a place to write that is taken; an empty folder can be filled.

    Raises:
        UserError: Something is there.
    """
    out = Path(asked).expanduser()
    to_fill = folder and out.is_dir() and not any(out.iterdir())
    if out.exists() and not to_fill:
        raise UserError(f"out={asked} is there already; give another name, or remove it")
