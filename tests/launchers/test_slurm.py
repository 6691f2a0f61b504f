"""What SLURM is asked for; what it answers is in e2e/test_slurm.py."""

import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from hydra_plugins.vae_exp_clusters import _queue, slurm
from hydra_plugins.vae_exp_clusters._script import Request, script
from vae_exp.config.compose import compose
from vae_exp.errors import UserError

SWEEP = ("cluster=slurm", "hydra.mode=MULTIRUN")


def request_of(*overrides):
    cfg = compose("train", [*SWEEP, *overrides])
    return Request(**slurm.OmegaConf.to_container(cfg.hydra.launcher.job, resolve=True))


def flags(text):
    return [line.removeprefix("#SBATCH ") for line in text.splitlines() if line.startswith("#SBATCH")]


def test_a_job_asks_for_a_process_and_a_gpu_for_each_device():
    words = ("trainer.devices=4", "trainer.num_nodes=2", "hydra.launcher.job.gpus_per_task=1")
    text = script(request_of(*words), 10, Path("/sweep"), "python")
    asked = flags(text)
    for flag in ("--nodes=2", "--ntasks-per-node=4", "--gpus-per-node=4", "--array=0-9%100", "--requeue"):
        assert flag in asked
    assert "--signal=USR2@120" in asked
    assert not any("partition" in flag for flag in asked)


def test_options_setup_and_odd_folders_are_passed_on(tmp_path):
    words = (
        "hydra.launcher.job.setup=[module load cuda]",
        "+hydra.launcher.job.options={constraint: a100, exclusive: true}",
    )
    text = script(request_of(*words), 1, Path("/a b"), "/my python")
    assert {"--constraint=a100", "--exclusive"} <= set(flags(text))
    assert "module load cuda" in text.splitlines()
    assert "'/my python' -m hydra_plugins.vae_exp_clusters._job '/a b/runs.pickle'" in text.splitlines()[-1]
    checked = subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_runs_that_ask_for_the_same_share_an_array_of_no_more_than_slurm_takes(monkeypatch):
    monkeypatch.setattr(_queue, "largest_array", lambda: 2)
    small, large = ({"job": vars(request_of(f"trainer.devices={n}"))} for n in (1, 2))
    found = _queue.arrays({0: small, 1: large, 2: small, 5: small})
    assert [(request.tasks_per_node, numbers) for request, numbers in found] == [(1, [0, 2]), (1, [5]), (2, [1])]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["trainer.devices=auto"], "trainer.devices=auto"),
        (["hydra.launcher.job.timeout_min=0"], "hydra.launcher.job.timeout_min"),
        (["hydra.launcher.wait=maybe"], "hydra.launcher.wait"),
        (["hydra.launcher.wait=false", "hydra/sweeper=optuna"], "hydra.launcher.wait=false"),
    ],
)
def test_what_slurm_cannot_be_asked_for_is_said_beforehand(monkeypatch, words, says):
    monkeypatch.setattr(slurm.shutil, "which", lambda name: f"/usr/bin/{name}")
    with pytest.raises(UserError, match=says):
        slurm.SlurmLauncher.check(compose("train", [*SWEEP, *words]))


def test_a_machine_without_slurm_says_so(monkeypatch):
    monkeypatch.setattr(slurm.shutil, "which", lambda name: None)
    with pytest.raises(UserError, match="no sbatch"):
        slurm.SlurmLauncher.check(compose("train", SWEEP))


def test_a_refusal_of_slurm_is_one_sentence(monkeypatch, tmp_path):
    runs = SimpleNamespace(overrides=[["seed=0"]])
    refused = SimpleNamespace(returncode=1, stdout="", stderr="sbatch: error: invalid partition\nspecified: gpu\n")
    monkeypatch.setattr(_queue.subprocess, "run", lambda *_, **__: refused)
    with pytest.raises(UserError, match="invalid partition specified: gpu"):
        _queue.submit(runs, request_of("hydra.launcher.job.partition=gpu"), tmp_path)
