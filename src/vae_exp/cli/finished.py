"""What verbs need that use a finished run: a device, and the run's data."""

from __future__ import annotations

import torch

from vae_exp.build import Settings, build_data
from vae_exp.data.datamodule import DataModule
from vae_exp.errors import UserError
from vae_exp.run import Run, load_settings


def data_of(run: Run, asked: Settings) -> DataModule:
    """The run's data, from where they are now."""
    data = {key: value for key, value in asked["data"].items() if value is not None}
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
