"""Numbers as people read them."""

from __future__ import annotations

import math


def with_error(value: float, error: float | None) -> str:
    """A figure, to two digits of its standard error: `147.9 ± 1.6`."""
    if error is None:
        return f"{value:g}"
    digits = 2 if error == 0 or not math.isfinite(error) else max(0, 1 - math.floor(math.log10(error)))
    return f"{value:.{digits}f} ± {error:.{digits}f}"


def duration(seconds: float) -> str:
    """Seconds as `12.5 s`, `3 min 20 s` or `2 h 5 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def ticks(low: float, high: float, count: int) -> list[float]:
    """Round numbers from `low` to `high`, about `count` of them, 1, 2 or 5 times a power of ten apart."""
    rough = (high - low) / max(count, 1)
    if not (math.isfinite(rough) and rough > 0):
        return []
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [index * step for index in range(first, last + 1)]


def short(value: float) -> str:
    """A number in few characters, for an axis: `0.05`, `1200`, `25k`, `1e-05`."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= 10 * size or (abs(value) >= size and unit != "k"):
            return f"{value / size:.4g}{unit}"
    return "0" if value == 0 else f"{value:.4g}"
