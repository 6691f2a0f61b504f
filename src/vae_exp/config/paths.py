"""Where the yaml files are."""

from __future__ import annotations

from pathlib import Path


def conf_dir() -> Path:
    """Return the folder of the shipped configuration: inside the package in a wheel, beside `src` in a checkout."""
    package = Path(__file__).resolve().parents[1]
    shipped = package / "conf"
    return shipped if shipped.is_dir() else package.parents[1] / "conf"
