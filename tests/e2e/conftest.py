"""The command as a user gives it: inside this process, or in one of its own."""

from __future__ import annotations

import logging
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from hydra.core.hydra_config import HydraConfig

from vae_exp import cli

from .commands import TINY, own_process

Command = Callable[..., SimpleNamespace]


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Hydra gives the root logger handlers of captured streams, and stays configured."""
    root = logging.getLogger()
    handlers, level, threads = list(root.handlers), root.level, torch.get_num_threads()
    yield
    for handler in set(root.handlers) - set(handlers):
        handler.close()
    root.handlers, root.level = handlers, level
    HydraConfig.instance().cfg = None
    torch.set_num_threads(threads)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """Give a command in this process; answers with its exit code and output."""

    def give(*words: str) -> SimpleNamespace:
        monkeypatch.setattr(sys, "argv", ["vae-exp", *words])
        capfd.readouterr()
        code = cli.main(list(words))
        out, err = capfd.readouterr()
        return SimpleNamespace(code=code, out=out, err=err)

    return give


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small finished run; a test that writes to it takes a copy."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    done = own_process("train", *TINY, f"hydra.run.dir={folder}", cwd=folder.parent)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """A copy of the finished run."""
    return Path(shutil.copytree(trained, tmp_path / "run"))
