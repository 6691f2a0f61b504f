"""The state of all random number generators, as plain containers and tensors."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
import torch.distributed as dist


def get_state() -> dict[str, Any]:
    """State of every generator of this process, loadable with weights_only=True."""
    kind, keys, *rest = np.random.get_state(legacy=True)
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "numpy": [kind, torch.from_numpy(np.asarray(keys, dtype=np.int64)), *rest],
        "python": random.getstate(),
    }


def set_state(state: dict[str, Any]) -> None:
    """Put the generators back where `get_state` found them."""
    torch.set_rng_state(state["torch"].cpu())
    if state["cuda"] and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all([s.cpu() for s in state["cuda"]])
    kind, keys, *rest = state["numpy"]
    np.random.set_state((kind, keys.cpu().numpy().astype(np.uint32), *rest))
    random.setstate(state["python"])


def gather_states() -> list[dict[str, Any]]:
    """State of every process, by rank; all of them must call."""
    if not (dist.is_available() and dist.is_initialized()):
        return [get_state()]
    states: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(states, get_state())
    return states


@contextmanager
def isolated(seed: int) -> Iterator[None]:
    """Draw from fresh generators inside, and leave those outside as they were."""
    state = get_state()
    torch.manual_seed(seed)
    try:
        yield
    finally:
        set_state(state)
