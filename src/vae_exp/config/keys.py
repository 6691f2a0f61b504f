"""Keys of a configuration, as people read them. Imports neither Hydra nor OmegaConf."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

IRRELEVANT = (
    "cluster",
    "data.root",
    "resume",
    "run_dir",
    "sweep.axes",
    "sweep.metric",
    "sweep.on_conflict",
    "sweep.trial",
    "trusted_packages",
)
"""Keys that say where and how runs are done, not which: they call nothing."""

SEVERAL = ("callbacks", "logger", "metrics", "view")
"""Groups of which several parts, or none, may be chosen, each at a key of its own."""

ELSEWHERE = (
    "data.memory_limit_gb",
    "data.num_workers",
    "data.root",
    "trainer.accelerator",
    "trainer.devices",
    "trainer.log_every_n_steps",
    "trainer.num_nodes",
    "trainer.strategy",
)
"""Keys of a run that may change between its parts, since its figures do not follow from them: they call no sweep."""


def shortened(keys: Iterable[str]) -> dict[str, str]:
    """The last component of each key, or as many as tell it from the others: beta; encoder.hidden."""
    parts = {key: [p for p in re.split(r"[./]", key.partition("@")[0].lower()) if p] for key in keys}
    short = {}
    for key, own in parts.items():
        others = [other for name, other in parts.items() if name != key]
        length = next((n for n in range(1, len(own)) if all(own[-n:] != other[-n:] for other in others)), len(own))
        short[key] = re.sub(r"[^a-z0-9._]+", "_", ".".join(own[-length:]))
    twice = [key for key in short if list(short.values()).count(short[key]) > 1]
    return short | {key: f"{short[key]}.{short_hash(key)}" for key in twice}


def short_hash(text: str) -> str:
    """Six characters that follow from a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:6]
