"""Folders of sweeps as `vae-exp train -m` leaves them, without the training."""

from __future__ import annotations

import io
import itertools
import json
from functools import lru_cache
from pathlib import Path

from PIL import Image

from vae_exp.cli.catalog import groups
from vae_exp.config import paths
from vae_exp.report.meanings import read_meanings
from vae_exp.report.sweep.objective import first_config, metrics_of, objective_of
from vae_exp.report.sweep.runs import read_runs
from vae_exp.report.sweep.settings import settings_of
from vae_exp.report.sweep.sweep_page import sweep_report
from vae_exp.report.sweep.variation import variation
from vae_exp.sweeps.plan import write_plan

from .making import CONFIG, HYDRA, write_json

VIEWS = ("reconstructions", "samples", "traversals")


def figures(rate: float, distortion: float, **more: float | None) -> dict[str, float | None]:
    """Figures of a run, the same on both sets but for a nat."""
    found: dict[str, float | None] = {}
    for stage, extra in (("val", 1.0), ("test", 0.0)):
        found |= {f"{stage}/rate": rate, f"{stage}/distortion": distortion + extra, f"{stage}/rate/se": 0.5}
        found |= {f"{stage}/nelbo": rate + distortion + extra, f"{stage}/nelbo/se": 1.5}
        found |= {f"{stage}/{name}": value for name, value in more.items()}
    return found


def put_run(folder: Path, overrides: list[str], numbers: dict[str, float | None] | None, **status: object) -> Path:
    """Write the folder of one run; one with figures is done."""
    (folder / ".hydra").mkdir(parents=True)
    (folder / ".hydra" / "overrides.yaml").write_text("".join(f"- {line}\n" for line in overrides))
    (folder / ".hydra" / "config.yaml").write_text(CONFIG)
    (folder / ".hydra" / "hydra.yaml").write_text(HYDRA)
    write_json(folder / "status.json", {"state": "done", "attempts": 1, "wall_seconds": 12.5} | status)
    if numbers is not None:
        write_json(folder / "metrics.json", numbers | {"val/kl_per_dim": [1.0, 2.0]})
    return folder


def put_pictures(folder: Path, shade: int = 128) -> None:
    """Write small pictures of the views that a page shows."""
    (folder / "images").mkdir()
    for view in VIEWS:
        (folder / "images" / f"{view}.png").write_bytes(_picture(shade))


def make_sweep(folder: Path, latents=(2, 4, 8), betas=(0.5, 1, 4), seeds=(0, 1, 2), *, pictures: bool = True) -> Path:
    """A whole grid: rate 10 / beta + latent_dim + seed, distortion 100 + 10 beta, all latents active."""
    plan = {}
    for latent, beta, seed in itertools.product(latents, betas, seeds):
        name = f"latent_dim-{latent}--beta-{beta:g}--seed-{seed}"
        plan[name] = ["data=digits", f"model.latent_dim={latent}", f"loss.beta={beta}", f"seed={seed}"]
        numbers = figures(10 / beta + latent + seed, 100 + 10 * beta, active_units=float(latent), mse=0.1 / latent)
        put_run(folder / name, plan[name], numbers)
        if pictures:
            put_pictures(folder / name)
    write_plan(folder, plan)
    return folder


def report_of(*folders: Path, metric: str | None = None, maximize: bool = False, out: Path | None = None):
    """The report, as the command makes it."""
    config = first_config(folders)
    objective = objective_of(config, metric, maximize)
    configured = [paths.conf_dir()]
    abouts = {group: {o.name: o.about for o in options} for group, options in groups(configured).items()}
    meanings = read_meanings(configured, metrics_of(config))
    out = out or folders[0] / "report" / "index.html"
    return sweep_report(read_runs(folders, objective.metric), folders, objective, abouts, meanings, out)


def settings_in(*folders: Path):
    """What varies, the runs, and the settings."""
    runs = read_runs(folders, "val/nelbo")
    varies = variation(runs)
    return varies, runs, settings_of(runs, varies)


def data_of(page: str) -> dict:
    """What the script of a page works on."""
    return json.loads(page.split('id="data">')[1].split("</script>")[0])


@lru_cache
def _picture(shade: int) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((150, 150), shade).save(buffer, "PNG")
    return buffer.getvalue()
