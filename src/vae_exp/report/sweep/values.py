"""The values that runs were given, as numbers where they are numbers: 0.50 is 0.5, whoever wrote it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from vae_exp.config.keys import IRRELEVANT

Value = float | str | None
"""A number, another value as its text, or None where it is not known."""

SEED, LATENTS, BETA = "seed", "model.latent_dim", "loss.beta"


def given(overrides: Iterable[str]) -> dict[str, Value]:
    """What a run's overrides set, by key; what says where and how it is done, rather than which run it is, is left out.

    Args:
        overrides: In Hydra's words, `key=value`, `+key=value`, `++key=value` or `~key`.
    """
    found: dict[str, Value] = {}
    for line in overrides:
        key, equals, text = line.partition("=")
        deleted = key.startswith("~")
        key = key.lstrip("+~")
        if key and not key.startswith(("hydra.", "hydra/")) and key not in IRRELEVANT:
            found[key] = value_of(text) if equals and not deleted else "deleted"
    return found


def value_of(raw: Any) -> Value:
    """A value of an override or of a configuration."""
    if isinstance(raw, bool) or raw is None:
        return "null" if raw is None else str(raw).lower()
    try:
        number = float(raw)
    except (TypeError, ValueError):
        text = str(raw).strip()
        quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
        return text[1:-1] if quoted else text
    return number if math.isfinite(number) else str(raw)


def shown(value: Value) -> str:
    """A value as people write it; "" where it is not known."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.6g}"
    return value or ""


def named(names: Iterable[str], values: Iterable[Value]) -> str:
    """Values by their names, `latent_dim 8, beta 0.5`, without those that are not known."""
    pairs = zip(names, values, strict=False)
    return ", ".join(f"{name} {shown(value)}" for name, value in pairs if value is not None)


def order(value: Value) -> tuple[int, float, str]:
    """Sorts values: numbers by size, then texts, then what is not known."""
    if isinstance(value, float):
        return 0, value, ""
    return (2, 0.0, "") if value is None else (1, 0.0, value)
