"""A sweep comes to the same, whoever does its runs."""

from __future__ import annotations

import importlib.util
import json
import subprocess
from pathlib import Path

import pytest

from .commands import SCRIPT, TINY, environment, figures, own_process
from .slurm import ONE_CORE, Slurm, slurm, wait_until

__all__ = ["slurm"]
pytestmark = [pytest.mark.cluster, pytest.mark.timeout(400), pytest.mark.xdist_group("slurm")]

SWEEP = (*TINY, "logger=none", "view=none", "model.latent_dim=2,3", "loss.beta=0.5,2", "hydra.sweep.dir=sweep")
LAUNCHERS = {
    "joblib": ("hydra_plugins.hydra_joblib_launcher", ("hydra.launcher.n_jobs=2",)),
    "slurm": ("cloudpickle", ONE_CORE),
    "ray": ("ray", ()),
}


@pytest.fixture(scope="module")
def locally(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("locally")
    done = own_process("train", "-m", *SWEEP, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "sweep"


def assert_same(sweep: Path, other: Path) -> None:
    runs = {path.parent.name for path in other.glob("*/metrics.json")}
    assert len(runs) == 4
    assert {path.parent.name for path in sweep.glob("*/status.json")} == runs
    assert all(figures(sweep / name) == figures(other / name) for name in runs)
    plans = [[json.loads(file.read_text())["runs"] for file in each.glob(".sweep/*.json")] for each in (sweep, other)]
    assert [list(plan) for plan in plans[0]] == [list(plan) for plan in plans[1]]


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_a_sweep_has_the_same_figures(tmp_path, request, locally, launcher):
    package, words = LAUNCHERS[launcher]
    if importlib.util.find_spec(package.partition(".")[0]) is None or importlib.util.find_spec(package) is None:
        pytest.skip(f"pip install 'vae_exp[{launcher}]'")
    variables = request.getfixturevalue("slurm").variables if launcher == "slurm" else {}
    done = own_process("train", "-m", *SWEEP, f"cluster={launcher}", *words, cwd=tmp_path, seconds=390, **variables)
    assert done.returncode == 0, done.stderr
    assert "4 done of 4 runs" in done.stdout
    assert_same(tmp_path / "sweep", locally)


def test_a_plain_array_has_the_same_figures_and_nobody_waits(tmp_path, slurm: Slurm, locally):
    script = Path(__file__).parents[2] / "scripts" / "slurm_array.sh"
    variables = environment(tmp_path) | slurm.variables | {"VAE_EXP": SCRIPT[0]}
    done = subprocess.run(
        [script, *SWEEP, *ONE_CORE], cwd=tmp_path, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "submitted" in done.stdout
    assert slurm.say("squeue", "--noheader")
    wait_until(lambda: not slurm.say("squeue", "--noheader"))
    assert_same(tmp_path / "sweep", locally)
