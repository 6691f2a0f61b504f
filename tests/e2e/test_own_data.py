"""Arrays and pictures of the user's own: trained on, evaluated and drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .commands import figures

QUICK = (
    "model=conv",
    "model.latent_dim=4",
    "model.encoder.channels=[4,8]",
    "model.decoder.channels=[8,4]",
    "model.encoder.hidden=16",
    "model.decoder.hidden=16",
    "trainer.max_epochs=1",
    "trainer.accelerator=cpu",
    "evaluation.num_importance_samples=3",
    "hydra.run.dir=run",
)


def discs(count: int, height: int, width: int, channels: int) -> np.ndarray:
    """A disc of a random colour on a dark slope, [count, height, width, channels] in [0, 1]."""
    chance = np.random.default_rng(0)
    y, x = np.mgrid[:height, :width]
    centre = chance.uniform(0.25, 0.75, (2, count, 1, 1)) * np.array([height, width]).reshape(2, 1, 1, 1)
    radius = chance.uniform(0.12, 0.25, (count, 1, 1)) * min(height, width)
    inside = ((y - centre[0]) ** 2 + (x - centre[1]) ** 2 < radius**2)[..., None]
    colour = chance.uniform(0.4, 1, (count, 1, 1, channels))
    return np.where(inside, colour, 0.3 * (x / width)[None, :, :, None]).astype(np.float32)


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VAE_EXP_DATA", str(tmp_path / "cache"))


def succeed(command, *words: str) -> str:
    done = command(*words)
    assert done.code == 0, done.err
    return done.err


@pytest.mark.parametrize(
    ("shape", "kind", "likelihood", "score"),
    [
        ((32, 32, 3), np.uint8, "discretized_logistic", "nelbo"),
        pytest.param((32, 32, 3), np.float32, "gaussian", "nelbo", marks=pytest.mark.slow),
        ((45, 37, 1), np.uint8, "bernoulli", "nelbo_bce"),
        pytest.param((45, 37, 1), np.float64, "continuous_bernoulli", "nelbo", marks=pytest.mark.slow),
        pytest.param((45, 37, 3), np.float16, "optimal_sigma_gaussian", "nelbo", marks=pytest.mark.slow),
    ],
)
def test_an_array_is_trained_on_evaluated_and_drawn(command, tmp_path, shape, kind, likelihood, score):
    x = discs(60, *shape)
    np.savez(tmp_path / "my.npz", x=(x * 255).round().astype(kind) if kind == np.uint8 else x.astype(kind))
    succeed(command, "train", *QUICK, "data=npz", "data.path=my.npz", f"model/likelihood={likelihood}")
    first = figures(Path("run"))
    assert all(np.isfinite(first[f"{stage}/{score}"]) for stage in ("val", "test"))
    assert ("test/bits_per_dim" in first) == (likelihood == "discretized_logistic")
    (tmp_path / "my.npz").rename(tmp_path / "moved.npz")
    succeed(command, "evaluate", "run=run", "data.path=moved.npz", "evaluation.num_importance_samples=3")
    assert figures(Path("run")) == first
    succeed(command, "sample", "run=run", "num=5", "batch_size=2", "format=npz", "out=new.npz")
    with np.load("new.npz") as made:
        assert made["x"].shape == (5, *(shape if shape[-1] > 1 else shape[:2]))
        assert made["x"].dtype == np.uint8
    succeed(command, "sample", "run=run", "what=reconstruct", "num=2", "data.path=moved.npz")
    succeed(command, "sample", "run=run", "what=traverse", "num=2", "data.path=moved.npz")
    assert {"reconstruct.png", "traverse.png"} <= {path.name for path in Path("run/images").iterdir()}


def test_a_folder_of_pictures_of_many_sizes_and_modes(command, tmp_path):
    modes = ["RGB", "L", "RGBA", "P", "1", "CMYK", "LA"]
    for number, picture in enumerate(discs(42, 30, 30, 3)):
        image = Image.fromarray((picture * 255).astype(np.uint8)).resize((20 + number, 50 - number))
        folder = tmp_path / "my" / ("one" if number % 2 else "two")
        folder.mkdir(parents=True, exist_ok=True)
        mode = modes[number % len(modes)]
        image.convert(mode).save(folder / f"{number}.{'tif' if mode == 'CMYK' else 'png'}")
    mine = ("data=image_folder", "data.path=my", "data.size=16", "data.num_workers=0")
    succeed(command, "train", *QUICK, *mine)
    assert np.isfinite(figures(Path("run"))["test/nelbo_bce"])
    succeed(command, "sample", "run=run", "num=12", "format=png", "out=new")
    # what was made can be trained on
    succeed(
        command, "train", *QUICK[:-1], "hydra.run.dir=second", *mine[:1], "data.path=new", *mine[2:], "resume=never"
    )
