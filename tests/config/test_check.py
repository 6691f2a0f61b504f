import functools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from vae_exp.config.check import check
from vae_exp.config.instantiate import instantiate
from vae_exp.config.signature import check_values
from vae_exp.config.variables import variables
from vae_exp.errors import UserError

LOSS = {"_target_": "fake_parts.parts.Loss", "beta": 1}
NET = {"_target_": "fake_parts.parts.Net", "_partial_": True, "hidden": [8, 8]}


def message(checked, **nodes):
    with pytest.raises(UserError) as caught:
        checked(**nodes)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_right_configuration_can_be_built_as_it_stands(checked):
    plain = checked(seed=3, loss=LOSS, nets=[NET, NET])
    built = instantiate(plain, trusted=["fake_parts"])
    assert built["seed"] == 3
    assert built["loss"].beta == 1
    assert all(isinstance(net, functools.partial) for net in built["nets"])
    assert built["nets"][1]((1, 8, 8)).hidden == [8, 8]


def test_misspelt_argument_names_the_nearest(checked):
    assert message(checked, loss={**LOSS, "num_sample": 3}) == (
        "loss.num_sample is not an argument of Loss; did you mean loss.num_samples?"
    )


def test_unknown_argument_far_from_all_lists_them(checked):
    assert "choose from gamma, num_samples" in message(checked, loss={**LOSS, "zzz": 3})


def test_missing_argument_is_named(checked):
    assert message(checked, loss={"_target_": "fake_parts.parts.Loss"}) == (
        "loss.beta is missing; Loss needs it, or the file `_partial_: true` where the program knows it"
    )


def test_a_partial_may_lack_arguments_but_not_misspell_them(checked):
    assert "in_shape" not in checked(net=NET)["net"]
    assert "net.hiden" in message(checked, net={**NET, "hiden": [1]})


def test_missing_values_are_listed_with_what_to_add(checked):
    assert message(checked, data={"path": "???", "n": 1}) == "data.path has no value; add data.path=VALUE"


@pytest.mark.parametrize(
    ("node", "sentence"),
    [
        ({**LOSS, "beta": -1}, "node.beta=-1: should be greater than or equal to 0"),
        ({**LOSS, "beta": True}, "node.beta=true: should be a valid number"),
        ({**LOSS, "beta": "high"}, "node.beta=high: should be a valid number"),
        ({**LOSS, "beta": math.nan}, "node.beta=nan: should be a finite number"),
        ({**LOSS, "beta": math.inf}, "node.beta=inf: should be a finite number"),
        ({**LOSS, "num_samples": 0}, "node.num_samples=0: should be greater than or equal to 1"),
        ({**LOSS, "num_samples": 1.0}, "node.num_samples=1.0: should be a valid integer"),
        ({**LOSS, "num_samples": True}, "node.num_samples=true: should be a valid integer"),
        ({**LOSS, "num_samples": None}, "node.num_samples=null: should be a valid integer"),
        ({**LOSS, "gamma": 0}, "node.gamma=0: should be greater than 0"),
        ({**NET, "hidden": [8, "x"]}, "node.hidden.1=x: should be a valid integer"),
        ({**NET, "hidden": 8}, "node.hidden=8: should be a valid"),
        ({**NET, "activation": "rleu"}, "node.activation=rleu: should be 'relu' or 'gelu'"),
        ({**NET, "dropout": 1.0}, "node.dropout=1.0: should be less than 1"),
        ({**NET, "name": 3}, "node.name=3: should be a valid string"),
        ({**NET, "flag": "yes please"}, "node.flag=yes please: should be a valid boolean"),
        ({**NET, "flag": 1}, "node.flag=1: should be a valid boolean"),
        ({**NET, "table": {"a": "b"}}, "node.table.a=b: should be a valid number"),
    ],
)
def test_wrong_values_are_told_with_their_place(checked, node, sentence):
    assert message(checked, node=node).startswith(sentence)


@pytest.mark.parametrize(
    "node",
    [
        {**LOSS, "gamma": None},
        {**LOSS, "beta": 1.5},
        {**LOSS, "beta": {"_target_": "fake_parts.parts.Schedule", "value": 2}},
        {**NET, "kernel": [3, 5]},
        {**NET, "kernel": []},
        {**NET, "table": {"a": 1}},
    ],
)
def test_what_yaml_can_say_is_accepted(checked, node):
    assert checked(node=node)["node"] == node


@pytest.mark.parametrize(("value", "kind"), [(2, float), (2.5, float), (None, type(None))])
def test_an_integer_is_a_float_where_that_is_what_is_declared(checked, value, kind):
    node = checked(node={**LOSS, "gamma": value, "num_samples": 3})["node"]
    assert type(node["gamma"]) is kind
    assert type(node["num_samples"]) is int
    assert node["gamma"] == value


@given(beta=st.one_of(st.integers(), st.floats(), st.text(), st.booleans(), st.none()))
def test_a_weight_is_accepted_just_when_it_is_a_finite_number_from_zero_up(beta):
    from fake_parts.parts import Loss

    number = isinstance(beta, (int, float)) and not isinstance(beta, bool)
    right = number and (isinstance(beta, int) or math.isfinite(beta)) and beta >= 0
    if right:
        check_values(Loss, {"beta": beta}, "loss")
    else:
        with pytest.raises(UserError, match=r"loss\.beta="):
            check_values(Loss, {"beta": beta}, "loss")


def test_a_part_cannot_stand_as_a_plain_value(checked):
    node = {"_target_": "fake_parts.parts.Model", "encoder": 3, "latent_dim": 2}
    assert message(checked, model=node) == "model.encoder=3: should be a part, given by _target_"


def test_parts_within_lists_and_parts_are_checked(checked):
    model = {"_target_": "fake_parts.parts.Model", "encoder": NET, "latent_dim": 2}
    assert checked(model=model)["model"] == model
    wrong = {**model, "priors": [LOSS, {**LOSS, "beta": -1}]}
    assert message(checked, model=wrong).startswith("model.priors.1.beta=-1")


def test_third_parties_are_checked_for_names_only(checked):
    adam = {"_target_": "torch.optim.Adam", "_partial_": True, "lr": 1e-3, "betas": [0.9, 0.999]}
    assert checked(optimizer=adam)["optimizer"] == adam
    assert "did you mean optimizer.betas?" in message(checked, optimizer={"_target_": "torch.optim.Adam", "beta": 1})


DATA = {
    "_target_": "fake_parts.parts.data",
    "path": "x.npz",
    "batch_size": 2,
    "dataset": {"_target_": "fake_parts.parts.dataset", "path": "${data.path}"},
}


@pytest.mark.parametrize("reference", ["${data.path}", "${..path}", "${data[path]}", "${oc.select:data.path,a}"])
def test_a_key_that_is_referred_to_is_a_variable_and_is_dropped(checked, reference):
    data = {**DATA, "dataset": {"_target_": "fake_parts.parts.dataset", "path": reference}}
    plain = checked(data=data)["data"]
    assert "path" not in plain
    assert plain["dataset"]["path"] == "x.npz"
    assert instantiate(plain, trusted=["fake_parts"], where="data") == "x.npz"


def test_a_key_that_nothing_refers_to_is_no_variable(checked):
    assert "data.pth is not an argument" in message(checked, data={**DATA, "pth": 1})


def test_an_argument_that_is_referred_to_stays(checked):
    plain = checked(loss={**LOSS, "num_samples": "${loss.beta}"})
    assert plain["loss"]["beta"] == plain["loss"]["num_samples"] == 1


def test_a_copy_of_a_node_has_its_variables(checked):
    plain = checked(data=DATA, other="${data}")
    assert plain["other"] == plain["data"]


def test_variables_within_text_and_within_resolvers_count():
    raw = {"a": {"b": 1, "c": "x-${a.b}"}, "d": "${mul:${e.f},2}", "e": {"f": 1, "g": 2}}
    assert {("a", "b"), ("e", "f")} <= variables(raw)
    assert ("e", "g") not in variables(raw)


@pytest.mark.parametrize("key", ["_args_", "_recursive_", "_convert_", "_traget_"])
def test_other_words_of_hydra_are_refused(checked, key):
    assert key in message(checked, loss={**LOSS, key: []})


def test_partial_is_true_or_false_and_beside_a_target(checked):
    assert "_partial_=maybe" in message(checked, loss={**LOSS, "_partial_": "maybe"})
    assert "_partial_" in message(checked, loss={"_partial_": True})


def test_an_interpolation_that_leads_nowhere_is_one_sentence(checked):
    assert message(checked, a={"b": "${nowhere.at.all}"}).startswith("a.b cannot be resolved: ")


def test_trusted_packages_come_from_the_configuration_unless_given():
    cfg = OmegaConf.create({"trusted_packages": ["fake_parts"], "loss": LOSS})
    assert check(cfg)["loss"] == LOSS
    with pytest.raises(UserError, match=r"trusted_packages=\[fake_parts\]"):
        check(cfg, trusted=[])


def test_trusted_packages_is_a_list():
    with pytest.raises(UserError, match="should be a list"):
        check(OmegaConf.create({"trusted_packages": "fake_parts"}))


def test_a_function_of_any_arguments_takes_any(checked):
    node = {"_target_": "fake_parts.parts.open_ended", "a": 1}
    assert checked(node=node)["node"] == node
