"""What all tests share: small settings, built through the same rooms as the command's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.distributions import Distribution

Settings = dict[str, Any]
SMALL = (
    "data=digits",
    "model.latent_dim=3",
    "model.encoder.hidden=[16]",
    "model.decoder.hidden=[16]",
    "trainer.max_epochs=2",
    "trainer.accelerator=cpu",
    "trainer.devices=1",
    "logger=none",
    "evaluation.num_importance_samples=5",
)


@pytest.fixture(autouse=True)
def _careful() -> None:
    """Distributions check their arguments, two test processes share two cores, and every test has the same noise."""
    Distribution.set_default_validate_args(True)
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture(autouse=True, scope="module")
def _composed_once(request: pytest.FixtureRequest) -> Iterator[None]:
    """Files do not change while a module's tests run; the tests of the configuration itself read them each time."""
    from vae_exp.config.memory import remembered

    with nullcontext() if "config" in request.path.parts else remembered():
        yield


@pytest.fixture
def settings(tmp_path: Path) -> Callable[..., Settings]:
    """Checked settings of a small run in a folder of its own; further overrides win."""
    from vae_exp.config.check import check
    from vae_exp.config.compose import compose

    def make(*overrides: str, folder: str = "run") -> Settings:
        return check(compose("train", [*SMALL, f"run_dir={tmp_path / folder}", *overrides]))

    return make
