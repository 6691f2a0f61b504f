"""Every option in conf/ composes, builds, steps, is saved, sampled and evaluated; there is no list to edit.

An option is a yaml of a group; what a group is combined with comes from the defaults. Pictures are 8x8, on which two
convolutions of the default channels still fit; networks are made narrow by whatever width they name.
"""

import copy
import inspect
import io
import warnings
from functools import cache

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
import yaml
from hydra.utils import get_object
from torch._dynamo.utils import counters
from torch.distributions import Distribution

from vae_exp.build import _part, build_data, build_loss, build_model, build_module, build_trainer
from vae_exp.config.check import check
from vae_exp.config.compose import compose
from vae_exp.config.paths import conf_dir
from vae_exp.errors import UserError
from vae_exp.training.objective import Objective
from vae_exp.types import Context, DataSpec

CONF = conf_dir()
ROOT_GROUPS = ("model", "loss", "optimizer", "lr_schedule", "metrics", "logger", "callbacks")
SUPPLIED = ("spec", "event_shape", "x_shape", "in_shape", "out_shape", "context_dim", "params")
"""Arguments that the program gives, not the yaml."""
WIDTHS = ("hidden", "channels", "width", "bottleneck")


def options():
    """(group, name, file) of every yaml of these groups and of their subgroups."""
    for group in ROOT_GROUPS:
        for file in sorted((CONF / group).rglob("*.yaml")):
            if not file.name.startswith("_"):
                yield file.parent.relative_to(CONF).as_posix(), file.stem, file


OPTIONS = list(options())


def beside_others(group, file):
    """Whether the option is one of several parts that stand beside each other."""
    return group in ("metrics", "callbacks") and "_target_" in yaml.safe_load(file.read_text())


def in_default(group, name):
    """Whether such a part is in the default set."""
    return f"{name}@{name}" in yaml.safe_load((CONF / group / "default.yaml").read_text())["defaults"]


@cache
def owner(group):
    """The override that chooses an option with such a part, where the default option has none: loss/kernel."""
    above, _, part = group.rpartition("/")
    if not above or compose("train", []).get(above, {}).get(part) is not None:
        return []
    options = [o for o in OPTIONS if o[0] == above]
    return [*owner(above), next(f"{above}={n}" for _, n, file in options if part in parts_of(file))]


def parts_of(file):
    return [default_key(d) for d in yaml.safe_load(file.read_text()).get("defaults", []) if isinstance(d, dict)]


def chosen_settings(tmp_path, group, name, *more):
    """Checked settings of a tiny run with this option."""
    small = [
        "data=digits", "trainer.max_steps=2", "trainer.max_epochs=-1", "trainer.accelerator=cpu",
        "trainer.devices=1", "trainer.limit_val_batches=1", "trainer.limit_test_batches=1", "data.eval_batch_size=20",
        "data.batch_size=16", "evaluation.num_importance_samples=3", "evaluation.num_temperatures=5",
        f"run_dir={tmp_path}",
    ]  # fmt: skip
    if group != "logger":
        small.append("logger=none")
    if group not in ("model", "callbacks"):
        small += ["callbacks.pictures=null", "view=none"]  # all views of all kinds of models have a test of their own
    if group == "metrics":
        small.append("data.eval_batch_size=200")  # some figures are of many examples only
    if beside_others(group, CONF / group / f"{name}.yaml"):
        small += [] if in_default(group, name) else [f"{group}=[default,{name}]"]
    else:
        small += [*owner(group), f"{group}={name}"]
    composed = compose("train", [*small, *more])
    if "latent_dim" in composed.model and not any(part.startswith("model.latent_dim=") for part in more):
        composed.model.latent_dim = 3
    settings = check(composed)
    model = settings["model"]
    for node in (model, model.get("encoder") or {}, model.get("decoder") or {}):  # narrow, whatever they call it
        node |= {key: [4] * len(node[key]) if isinstance(node[key], list) else 4 for key in WIDTHS if key in node}
    for metric in settings["metrics"].values():  # those that fit something learn no more than it takes
        node = metric.get("sampler") or {}
        node |= {"steps": 20} if "steps" in node else {}
    return settings


FITS = {}
"""Which companion an option goes with, once that has been found out."""


def fitting_settings(tmp_path, group, name):
    """The same, with the first companion that the option can be built with, where the default parts do not fit it."""
    pictures = tmp_path / "pictures.npz"
    np.savez(pictures, x=np.random.default_rng(0).integers(0, 256, (100, 32, 32), dtype=np.uint8))
    priors, posteriors = (
        [f"model/{kind}={file.stem}" for file in sorted((CONF / "model" / kind).glob("*.yaml"))]
        for kind in ("prior", "posterior")
    )
    other_half = [[part, "model.latent_dim=8"] for part in [*priors, *posteriors]]
    companions = [
        [],
        ["data=npz", f"data.path={pictures}", "data.binarize=threshold"],
        ["data=synthetic_interactions", "data.num_users=300", "data.num_items=40"],
        ["loss.similarity.weights=null"],
        ["model/posterior=delta", "model/decoder=spectral_norm"],
        ["model/posterior=vq", "model/prior=uniform_codes", "model.latent_dim=8"],
        ["loss=ae"],
        *(other_half if group in ("model/prior", "model/posterior") else []),
        *([f"model={file.stem}"] for file in sorted((CONF / "model").glob("*.yaml"))),
    ]
    refusals = []
    for number, companion in enumerate(companions):
        if number != FITS.get((group, name), number):
            continue
        if any(part.startswith((f"{group}=", f"{group.split('/')[0]}=")) for part in companion):
            continue
        try:
            settings = chosen_settings(tmp_path, group, name, *companion)
            build_loss(settings, build_model(settings, DataSpec(shape_of(settings), "binary", 100, 10)))
            refuse_data_without_targets(settings)
        except UserError as refusal:
            refusals.append(str(refusal))
        else:
            FITS[group, name] = number
            return settings
    raise AssertionError(f"{group}={name} goes with nothing: {refusals}")


def refuse_data_without_targets(settings):
    """As the run itself would, when it has its data."""
    for metric in _part(settings, "metrics").values():
        metric.require({"factors": None} | ({"target": None} if "interactions" in settings["data"]["dataset"] else {}))


def shape_of(settings):
    """Shape of the pictures: those of the companion's file, or the digits."""
    return (1, 32, 32) if "path" in settings["data"]["dataset"] else (1, 8, 8)


def decoded(model, x):
    torch.manual_seed(0)
    return model.reconstruct({"x": x}).mean


RUNS = [o for o in OPTIONS if not (beside_others(o[0], o[2]) and in_default(*o[:2]))]  # GROUP=default runs the others


def by_option(chosen):
    return pytest.mark.parametrize(
        ("group", "name", "file"), chosen, ids=[f"{group}={name}" for group, name, _ in chosen]
    )


def fit(settings):
    pl.seed_everything(settings["seed"], verbose=False)
    data = build_data(settings)
    module = build_module(settings, build_model(settings, data.spec))
    if any(metric.needs for metric in module.metrics.values()):
        data.test_dataloader = WithFactors(data.test_dataloader)
    trainer = build_trainer(settings)
    trainer.fit(module, datamodule=data, weights_only=True)
    return data, module, trainer


class WithFactors:
    """A loader that adds two ground-truth factors to digits, which have none; it makes itself."""

    def __init__(self, loader):
        self.loader = loader

    def __call__(self):
        return self

    def __iter__(self):
        for batch in self.loader():
            count = torch.arange(len(batch["x"]))
            yield {**batch, "factors": torch.stack((count % 3, count % 4), 1)}


def test_there_are_options():
    assert {group for group, _, _ in OPTIONS} >= set(ROOT_GROUPS)
    assert len(OPTIONS) > 25


@by_option(RUNS)
def test_it_steps_is_saved_sampled_and_evaluated(tmp_path, group, name, file):
    settings = fitting_settings(tmp_path, group, name)
    for node in targets(yaml.safe_load(file.read_text())):
        assert node["_target_"] in str(settings), "the option has not been chosen"
    data, module, trainer = fit(settings)
    assert trainer.global_step == 2
    for weight_name, weight in module.model.named_parameters():
        assert torch.isfinite(weight).all(), weight_name
        assert weight.grad is not None, f"{weight_name} has no gradient"
        assert torch.isfinite(weight.grad).all(), weight_name

    buffer = io.BytesIO()
    torch.save(module.model.state_dict(), buffer)
    buffer.seek(0)
    other = build_model(settings, data.spec)
    other.load_state_dict(torch.load(buffer, weights_only=True))
    module.model.eval()
    other.eval()
    x = data.examples("test", 4)["x"]
    for model in (module.model, other):
        drawn = model.sample(5)
        assert drawn.mean.shape == drawn.sample().shape == (5, *data.spec.x_shape)
        assert torch.isfinite(drawn.mean).all()
    torch.testing.assert_close(decoded(other, x), decoded(module.model, x))

    (figures,) = trainer.test(module, datamodule=data, verbose=False)
    assert figures
    assert all(value == value for name, value in figures.items() if not name.endswith("/se")), "a figure is nan"


@by_option(OPTIONS)
def test_its_keys_are_its_constructors_arguments(group, name, file):
    for node in targets(yaml.safe_load(file.read_text())):
        part = get_object(node["_target_"])
        given = {key for key in node if not key.startswith("_") and key != "defaults"}
        given |= {default_key(d) for d in node.get("defaults", []) if isinstance(d, dict) or "@" in d}
        known = inspect.signature(part).parameters
        assert given <= set(known)
        if node["_target_"].startswith("vae_exp."):
            assert given == set(known) - set(SUPPLIED)
            assert all(known[key].default is inspect.Parameter.empty for key in given), "its values live in the yaml"


@by_option(OPTIONS)
def test_it_says_what_it_is_and_its_class_names_its_source(group, name, file):
    lines = file.read_text().splitlines()
    first, second, *_ = lines[1:] if lines[0].startswith("# @package") else lines
    assert first.startswith("# ")
    assert first.endswith(".")
    if second.startswith("# "):
        for node in targets(yaml.safe_load(file.read_text())):
            part = get_object(node["_target_"])
            if node["_target_"].startswith("vae_exp."):
                assert "Source:" in (part.__doc__ or ""), f"{second[2:]} is not named as the Source of {part.__name__}"


@pytest.mark.parametrize("group", ["metrics", "view", "callbacks", "logger"])
def test_of_some_groups_any_parts_can_be_chosen(group):
    files = [file for file in (CONF / group).glob("*.yaml") if "_target_" in yaml.safe_load(file.read_text())]
    chosen = compose("train", [f"{group}=[{','.join(file.stem for file in files)}]"])[group]
    assert set(chosen) == {file.stem for file in files}
    assert all("_target_" in part for part in chosen.values())


def targets(node):
    """Nodes with a `_target_` of one file."""
    if isinstance(node, dict):
        if "_target_" in node:
            yield node
        for value in node.values():
            yield from targets(value)


def default_key(default):
    (key,) = default if isinstance(default, dict) else (default,)
    return key.split("@")[-1].split("/")[-1]


# Compilation


@pytest.fixture
def unchecked():
    """As training should have it: distributions that check their arguments branch on data."""
    Distribution.set_default_validate_args(False)
    torch._dynamo.reset()
    yield
    Distribution.set_default_validate_args(True)


def traced(settings, values, training=True):
    """Loss of the model as it is and as compiled without a graph break, from the same noise."""
    shape = shape_of(settings)
    model = build_model(settings, DataSpec(shape, values, 100, 10)).train(training)
    torch.manual_seed(1)
    losses = [build_loss(settings, model)]
    torch.manual_seed(1)
    losses.append(build_loss(settings, model))  # one each, since some learn from what they see
    models = [model, copy.deepcopy(model)]  # as some models do

    def stepping(loss, model):
        def step(x):
            batch = {"x": x}
            return loss(model(batch, loss.num_samples), batch, Context(100, model)).loss

        return step

    x = torch.randint(0, 2, (6, *shape)).float()
    torch.manual_seed(0)
    plain = stepping(losses[0], models[0])(x)
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # dynamo's own
        compiled = torch.compile(stepping(losses[1], models[1]), fullgraph=True, backend="eager")(x)
    return plain, compiled


LIKELIHOODS = [name for group, name, _ in OPTIONS if group == "model/likelihood"]
MODELS = [name for group, name, _ in OPTIONS if group == "model"]
LOSSES = [name for group, name, _ in OPTIONS if group == "loss"]
WITHOUT_NUMBERS = ("ae", "dreg", "iwae", "miwae", "piwae", "stl")


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
@pytest.mark.parametrize("training", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_every_likelihood_compiles_to_one_graph(settings, unchecked, likelihood, training):
    plain, compiled = traced(settings(f"model/likelihood={likelihood}"), "binary", training)
    torch.testing.assert_close(compiled, plain)


@pytest.mark.parametrize("model", MODELS)
def test_every_model_compiles_to_one_graph(tmp_path, unchecked, model):
    plain, compiled = traced(fitting_settings(tmp_path, "model", model), "binary")
    torch.testing.assert_close(compiled, plain)


def test_free_bits_and_several_samples_compile_to_one_graph(settings, unchecked):
    plain, compiled = traced(settings("loss.free_bits=0.5", "loss.num_samples=3"), "binary")
    torch.testing.assert_close(compiled, plain)


def other_numbers(node):
    """The same settings with other numbers, where they are not whole, and are not the size of something."""
    if isinstance(node, dict):
        return {key: value if key == "sigma" else other_numbers(value) for key, value in node.items()}
    return 0.9 * node if isinstance(node, float) and node not in (0.0, float("inf")) else node


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_compiles_to_one_graph_whatever_its_numbers(tmp_path, unchecked, name):
    settings = fitting_settings(tmp_path, "loss", name)
    others = {**settings, "loss": other_numbers(settings["loss"])}
    assert others != settings or name in WITHOUT_NUMBERS
    shape = shape_of(settings)
    batch = {"x": torch.randint(0, 2, (6, *shape)).float(), "y": torch.arange(6)}
    counters.clear()
    for each in (settings, others):
        model = build_model(settings, DataSpec(shape, "binary", 100, 10))
        objective = Objective(model=model, loss=build_loss(each, model), context=Context(100, model))
        plain = copy.deepcopy(objective)  # one each, since some learn from what they see
        losses = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # dynamo's own
            compiled = torch.compile(lambda step, batch: step(batch), fullgraph=True, backend="eager")
            for take, mine in ((lambda step, batch: step(batch), plain), (compiled, objective)):
                torch.manual_seed(0)
                mine(batch)  # eagerly, like the first step of a run
                losses.append(take(mine, batch)[0])
        torch.testing.assert_close(losses[1], losses[0])
    assert counters["stats"]["unique_graphs"] == 1
