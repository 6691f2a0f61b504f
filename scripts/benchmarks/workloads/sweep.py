"""A sweep of sixteen runs: in one process, in parallel workers, and as one process a run of the template."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from drive import HERE, PYTHON, environment
from images import Images
from page import Section, table

BETAS, LATENTS = (0.25, 0.5, 1, 2, 4, 8, 16, 32), (2, 16)
RUNS = len(BETAS) * len(LATENTS)
EPOCHS = 5
TEMPLATES = 2  # runs of the template that are timed: each is a process of its own, and takes what the others take

NET = ["model.encoder.hidden=[400]", "model.decoder.hidden=[400]", "model.encoder.activation=ReLU"]
GOALS = {"cluster=local": 3.0, "cluster=joblib": 4.0}


def measure(images: Images, folder: Path, betas: tuple[float, ...] = BETAS) -> tuple[Section, dict[str, float]]:
    """Jobs a minute of each way, on mnist_5k and on digits."""
    found: dict[str, float] = {}
    axes = [f"loss.beta={','.join(map(str, betas))}", f"model.latent_dim={','.join(map(str, LATENTS))}"]
    runs = len(betas) * len(LATENTS)
    for data in ("mnist_5k", "digits"):
        for cluster in GOALS:
            out = folder / "sweep" / f"{data}-{cluster.split('=')[1]}"
            more = [f"data={data}", f"trainer.max_epochs={EPOCHS}", cluster, f"hydra.sweep.dir={out}"]
            command = [PYTHON, "-m", "vae_exp", "train", "-m", *NET, *axes, *more]
            found[f"{data}, {cluster}"] = 60 * runs / _seconds(command, folder)
    template = [PYTHON, str(HERE / "baselines" / "template.py"), str(images.root), "2", "1.0", str(EPOCHS), "4800"]
    found["template, mnist_5k"] = 60 / min(_seconds(template, folder) for _ in range(TEMPLATES))
    rows = [[name, f"{jobs:.1f}", jobs / found["template, mnist_5k"]] for name, jobs in found.items()]
    text = f"{runs} runs ({len(betas)} betas, {len(LATENTS)} latent_dims), {EPOCHS} epochs each, whole commands.\n\n"
    text += table(["", "jobs / minute", "of the template's"], rows)
    goals = [
        (f"{data}, {cluster} / template", found[f"{data}, {cluster}"] / found["template, mnist_5k"], goal)
        for data in ("mnist_5k", "digits")
        for cluster, goal in GOALS.items()
    ]
    return Section("sweep", text, goals), found


def _seconds(command: list[str], folder: Path) -> float:
    began = time.perf_counter()
    done = subprocess.run(command, env=environment(), cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"benchmark: {' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return time.perf_counter() - began
