"""Configurable experiments with variational autoencoders."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vae_exp.run import Run, load_run

__all__ = ["Run", "load_run"]


def __getattr__(name: str) -> Any:
    # Imported on first use: `vae-exp --help` must not wait for torch.
    if name in __all__:
        return getattr(import_module("vae_exp.run"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
