"""Bounds of a parameter that a network gives."""

from __future__ import annotations


def check_bounds(name: str, low: float, high: float) -> None:
    """Refuse bounds between which there is nothing.

    Args:
        name: Of what is bounded; the arguments are called min_NAME and max_NAME.
        low: Lower bound.
        high: Upper bound.

    Raises:
        ValueError: they are not in order.
    """
    if low >= high:
        raise ValueError(f"min_{name}={low} should be less than max_{name}={high}")
