import sys
import textwrap

import pytest
from omegaconf import OmegaConf

from vae_exp.config import paths
from vae_exp.config.check import check

PARTS = """
from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from os import system as run_it
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt

from vae_exp.files import write_whole
from vae_exp.types import Count, Fraction, NonNegative

opener = os.system
shorthand = lambda: None
shorthand.__module__ = "elsewhere"


class Schedule:
    def __init__(self, *, value: float) -> None:
        self.value = value


class Loss:
    def __init__(
        self, *, beta: NonNegative | Schedule, num_samples: Count = 1, gamma: Annotated[float, Gt(0)] | None = None
    ) -> None:
        if num_samples == 13:
            raise ValueError("13 brings bad luck")
        self.beta, self.num_samples, self.gamma = beta, num_samples, gamma


class Net:
    def __init__(
        self,
        in_shape: tuple[int, ...],
        *,
        hidden: Sequence[int],
        kernel: tuple[int, ...] = (3,),
        activation: Literal["relu", "gelu"] = "relu",
        dropout: Fraction = 0.0,
        name: str = "net",
        flag: bool = False,
        table: dict[str, float] | None = None,
    ) -> None:
        self.in_shape, self.hidden = in_shape, hidden


class Model:
    def __init__(self, *, encoder: Callable[..., Net], latent_dim: Count, priors: Sequence[Any] = ()) -> None:
        self.encoder, self.latent_dim, self.priors = encoder, latent_dim, priors


def dataset(path: str, size: Annotated[int, Ge(1)] = 8) -> str:
    return path


def data(*, dataset: str, batch_size: Count = 1) -> str:
    return dataset


def open_ended(**anything: Any) -> dict[str, Any]:
    return anything
"""


@pytest.fixture(scope="session", autouse=True)
def parts_package(tmp_path_factory):
    """A package of a user's, with honest parts and some that only look like parts."""
    folder = tmp_path_factory.mktemp("user")
    package = folder / "fake_parts"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "parts.py").write_text(textwrap.dedent(PARTS))
    sys.path.insert(0, str(folder))
    yield
    sys.path.remove(str(folder))


@pytest.fixture
def checked():
    """Check a configuration that is given as a dict, with the user's package trusted."""

    def run(**nodes):
        return check(OmegaConf.create(nodes), trusted=["fake_parts"])

    return run


@pytest.fixture
def conf(tmp_path, monkeypatch):
    """Write a configuration and make it the shipped one."""
    folder = tmp_path / "conf"
    files = {
        "train": """
            defaults:
              - data: digits
              - model: vae
              - model/encoder: mlp
              - loss: elbo
              - _self_
            seed: 0
            run_dir: ${hydra:runtime.output_dir}
            """,
        "data/digits": "n: 3",
        "data/disk": "path: ???\nsize: 3",
        "model/vae": "latent_dim: 8",
        "model/encoder/mlp": "hidden: [1, 2]",
        "model/encoder/conv": "hidden: [1, 2]",
        "loss/elbo": "beta: 1",
        "loss/beta_vae": "beta: 4",
        "loss/broken": "beta: [1\nx: {",
    }
    for name, text in files.items():
        file = folder / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text))
    monkeypatch.setattr(paths, "conf_dir", lambda: folder)
    return folder
