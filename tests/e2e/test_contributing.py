"""The parts that CONTRIBUTING.md shows, each as it stands there, in a package and a folder of the user's own."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from .commands import TINY, figures

TEXT = Path(__file__).parents[2].joinpath("CONTRIBUTING.md").read_text()
FILE = r"`(conf/[\w/]+/mine\.yaml)`(?:(?!```|`conf/[\w/]+/mine).)*?"
BLOCKS = re.compile(FILE + r"(?:```python\n(.*?)```\n)?```yaml\n(.*?)```", re.DOTALL)
USED = (
    "data=mine", "data.path=pictures.npz", "loss=mine", "model/encoder=mine", "model/likelihood=mine",
    "model/prior=mine", "lr_schedule=mine", "metrics=[default,mine]", "view=[mine]", "callbacks=[default,mine]",
)  # fmt: skip


@pytest.fixture
def parts(tmp_path, monkeypatch):
    """The names of the parts' files; they are written."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VAE_EXP_DATA", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(str(tmp_path))
    Path("own_parts").mkdir()
    found = BLOCKS.findall(TEXT.partition("## Adding a part")[2])
    for number, (file, code, yaml) in enumerate(found):
        if code:
            Path("own_parts", f"part{number}.py").write_text(code)
            yaml = re.sub(r"vae_exp[\w.]*\.(\w+)", rf"own_parts.part{number}.\1", yaml, count=1)
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        Path(file).write_text(yaml)
    np.savez("pictures.npz", x=np.random.default_rng(0).random((60, 1, 8, 8), dtype=np.float32))
    yield [file for file, _, _ in found]
    for name in [name for name in sys.modules if name.startswith("own_parts")]:
        del sys.modules[name]


def test_what_is_shown_works(parts, command):
    assert len(parts) == 10
    words = ("--config-dir", "conf", "trusted_packages=[own_parts]", "hydra.run.dir=run", "logger=none")
    small = [word for word in TINY if word.startswith(("trainer.", "model.latent", "model.decoder"))]
    done = command("train", *words, *small, *USED)
    assert done.code == 0, done.err
    assert "epoch 0" in done.out
    assert figures(Path("run"))["test/steepness"] >= 0
    assert Path("run", "images", "mine.png").is_file()


def test_the_experiment_that_is_shown_is_one(parts, command):
    done = command("train", "--config-dir", "conf", "experiment=mine", "--cfg", "job")
    assert done.code == 0, done.err
    assert "vae_exp.losses.iwae.IWAE" in done.out
