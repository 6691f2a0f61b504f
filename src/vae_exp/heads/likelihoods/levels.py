"""Which data a likelihood of discrete levels applies to."""

from __future__ import annotations

from vae_exp.types import Values

EIGHT_BIT = 256


def check_levels(name: str, levels: int, values: Values) -> None:
    """Refuse data that does not lie on the levels; 0 and 1 of binary data are the lowest and the highest.

    Args:
        name: Option of model/likelihood, for the message.
        levels: Number of levels that it scores.
        values: What a pixel can be.

    Raises:
        ValueError: there are values between the levels.
    """
    if values == "unit_interval":
        raise ValueError(
            f"model/likelihood={name} scores {levels} levels, but this data has values between them; "
            "use model/likelihood=gaussian, or store the data as uint8"
        )
    if values == "levels" and levels != EIGHT_BIT:
        raise ValueError(
            f"model/likelihood={name} scores {levels} levels, but this data has 256; use model.likelihood.levels=256"
        )
