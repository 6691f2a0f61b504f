import sys

import pytest
import torch

from vae_exp.config import locate as module
from vae_exp.config.instantiate import instantiate
from vae_exp.config.locate import NEVER_TRUSTED, THIRD_PARTY, locate
from vae_exp.errors import UserError


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "builtins.eval",
        "subprocess.Popen",
        "torch.load",
        "torch.hub.load",
        "torch.optim.adam.torch.load",
        "torch.optim.Adam.__init__.__globals__",
        "numpy.load",
        "hydra.utils.instantiate",
        "hydra.utils.get_method",
        "omegaconf.OmegaConf.load",
        "pytorch_lightning.Trainer.fit",
        "vae_exp",
        "vae_exp.",
        ".vae_exp.types",
        "vae_exp..types",
        "vae_exp.os.system",
        "vae_exp.types.torch.load",
        "vae_exp.files.write_whole",
        "vae_exp.files.os.system",
        "vae_exp.config.instantiate.instantiate",
        "vae_exp.config.locate.locate",
        "vae_exp.config.compose.compose",
        "vae_exp.cli.main",
        "vae_exp.cli.sys.exit",
        "vae_exp.__main__.main",
        "vae_exp.schedules.__builtins__.eval",
        "vae_exp.schedules.__loader__.exec_module",
        "vae_exp.schedules.torch.load",
        "vae_exp.schedulesque.x",
        "vae_exp_evil.x.y",
        "json",
        "",
        3,
        None,
        ["os.system"],
    ],
)
def test_forbidden_targets_are_refused_in_one_sentence(target):
    with pytest.raises(UserError, match=r"^loss: _target_=") as caught:
        locate(target, trusted=["fake_parts"], where="loss")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    ["run_it", "opener", "os.system", "os", "shorthand", "write_whole", "Ge", "Any", "Loss.__init__", "missing"],
)
def test_a_trusted_package_lends_its_name_to_nothing_else(name):
    with pytest.raises(UserError):
        locate(f"fake_parts.parts.{name}", trusted=["fake_parts"])


@pytest.mark.parametrize("package", ["os", "builtins", "torch", "numpy", "os.path", "hydra.utils", "vae_exp", "pickle"])
def test_some_packages_cannot_be_trusted(package):
    with pytest.raises(UserError, match="trusted_packages"):
        locate("fake_parts.parts.Loss", trusted=[package, "fake_parts"])


def test_nothing_is_imported_before_the_name_is_judged(tmp_path, monkeypatch):
    (tmp_path / "loud_package.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match="if you trust all of loud_package"):
        locate("loud_package.x")
    assert "loud_package" not in sys.modules


def test_parts_of_a_trusted_package_are_found():
    from fake_parts.parts import Loss

    assert locate("fake_parts.parts.Loss", trusted=["fake_parts"]) is Loss
    assert locate("fake_parts.parts.Loss", trusted=["fake_parts.parts"]) is Loss


def test_a_package_that_only_begins_like_a_trusted_one_is_refused():
    with pytest.raises(UserError):
        locate("fake_parts.parts.Loss", trusted=["fake"])


def test_a_function_of_another_room_is_refused_under_the_name_of_a_part(monkeypatch):
    from vae_exp import schedules
    from vae_exp.files import write_whole

    monkeypatch.setattr(schedules, "save", write_whole, raising=False)
    with pytest.raises(UserError, match="not a class or function of its own package"):
        locate("vae_exp.schedules.save")


@pytest.mark.parametrize("target", THIRD_PARTY)
def test_every_third_party_name_is_a_class(target):
    assert isinstance(locate(target), type)


def test_a_third_party_name_that_leads_elsewhere_is_refused(monkeypatch):
    import os

    monkeypatch.setattr(torch.optim, "Adam", os.system)
    with pytest.raises(UserError):
        locate("torch.optim.Adam")


def test_misspelt_third_party_and_part_names_get_the_nearest():
    with pytest.raises(UserError, match=r"did you mean torch\.optim\.AdamW\?"):
        locate("torch.optim.AdmaW")
    with pytest.raises(UserError, match=r"did you mean fake_parts\.parts\.Loss\?"):
        locate("fake_parts.parts.Los", trusted=["fake_parts"])


def test_no_room_of_parts_is_one_that_runs_things():
    rooms = {room.split(".")[1] for room in module.ROOMS}
    assert not rooms & {"cli", "config", "files", "build", "sweeps"}
    assert {"os", "torch", "numpy", "pickle", "vae_exp"} <= NEVER_TRUSTED


def test_building_judges_targets_too():
    node = {"_target_": "fake_parts.parts.Loss", "beta": {"_target_": "os.system", "command": "true"}}
    with pytest.raises(UserError, match=r"loss\.beta: _target_=os\.system"):
        instantiate(node, ["fake_parts"], "loss")


def test_a_constructor_that_refuses_is_told_with_its_place():
    node = {"_target_": "fake_parts.parts.Loss", "beta": 1, "num_samples": 13}
    with pytest.raises(UserError, match=r"^losses\.0: 13 brings bad luck$"):
        instantiate({"losses": [node]}, ["fake_parts"])
    assert instantiate({"a": [1, {"b": None}]}) == {"a": [1, {"b": None}]}
