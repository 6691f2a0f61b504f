"""What verbs need that use a finished run: a device, the run's data, a place to write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from vae_exp.build import Settings, build_data
from vae_exp.data.datamodule import DataModule
from vae_exp.errors import UserError
from vae_exp.run import Run, load_settings


def data_of(run: Run, asked: Settings, **changes: Any) -> DataModule:
    """The run's data, from where they are now, with `changes` to the run's settings of them."""
    data = {key: value for key, value in asked["data"].items() if value is not None} | changes
    return build_data(load_settings(run.folder, {}, data=data, trusted_packages=asked["trusted_packages"]))


def device_named(name: str) -> torch.device:
    """The device of this name, or with "auto" the best that is there.

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


def check_counts(asked: Settings, **least: int) -> None:
    """Check that values are whole numbers, each at least so much.

    Raises:
        UserError: One is not.
    """
    for key, bound in least.items():
        value = asked[key]
        if not isinstance(value, int) or isinstance(value, bool) or not bound <= value < 2**32:
            raise UserError(f"{key}={value}: should be a whole number, at least {bound}")


def refuse_existing(asked: str, *, folder: bool) -> None:
    """Refuse a place to write that is taken; an empty folder can be filled.

    Raises:
        UserError: Something is there.
    """
    out = Path(asked).expanduser()
    to_fill = folder and out.is_dir() and not any(out.iterdir())
    if out.exists() and not to_fill:
        raise UserError(f"out={asked} is there already; give another name, or remove it")
