"""What a misspelt name was probably meant to be."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, names: Iterable[str]) -> str | None:
    """Find the name closest to `word`, None where nothing is close; upper and lower case count as one."""
    by_lower = {name.lower(): name for name in names}
    close = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else None


def suggestion(word: str, names: Iterable[str], prefix: str = "") -> str:
    """End an error's sentence with the nearest name, otherwise with all of them."""
    names = sorted(names)
    close = nearest(word, names)
    if close is not None:
        return f"; did you mean {prefix}{close}?"
    return f"; choose from {', '.join(names)}" if names else "; none can stand there"
