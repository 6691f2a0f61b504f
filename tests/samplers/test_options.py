"""Every yaml of the group `sampler`; there is no list to edit."""

import inspect

import pytest
import yaml
from hydra.utils import get_object

from vae_exp.config.check import check
from vae_exp.config.compose import compose
from vae_exp.config.paths import conf_dir

FILES = sorted((conf_dir() / "sampler").glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_its_keys_are_its_constructors_arguments_and_it_says_what_it_is(file):
    first, second, *_ = file.read_text().splitlines()
    assert first.startswith("# ")
    assert first.endswith(".")
    chosen = check(compose("sample", ["run=here", f"sampler={file.stem}"]))
    assert chosen["sampler_name"] == file.stem
    node = yaml.safe_load(file.read_text())
    if node:
        part = get_object(node["_target_"])
        given = {key for key in node if not key.startswith("_")}
        assert given == set(inspect.signature(part).parameters) - {"event_shape"}
        assert second.startswith("# ")
        assert "Source:" in part.__doc__
        assert chosen["sampler"] == node
