import pytest

from hydra_plugins.vae_exp_clusters import ray
from vae_exp.config.compose import compose
from vae_exp.errors import UserError

SWEEP = ("cluster=ray", "hydra.mode=MULTIRUN")


@pytest.mark.parametrize(
    "words", [["trainer.devices=2"], ["hydra.launcher.max_retries=-1"], ["hydra.launcher.num_cpus=0"]]
)
def test_what_ray_cannot_do_is_said_beforehand(monkeypatch, words):
    monkeypatch.setattr(ray.importlib.util, "find_spec", lambda name: True)
    with pytest.raises(UserError, match=words[0].partition("=")[0]):
        ray.RayLauncher.check(compose("train", [*SWEEP, *words]))


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(ray.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"vae_exp\[ray\]"):
        ray.RayLauncher.check(compose("train", SWEEP))
