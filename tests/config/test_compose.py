import pytest
from hydra._internal import config_loader_impl
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from vae_exp.config import paths
from vae_exp.config.check import check
from vae_exp.config.combinations import runs_of
from vae_exp.config.compose import compose
from vae_exp.config.memory import remembered
from vae_exp.errors import UserError

pytestmark = pytest.mark.usefixtures("conf")


def test_the_shipped_configuration_is_found(monkeypatch):
    monkeypatch.undo()
    assert (paths.conf_dir() / "train.yaml").is_file()


def test_overrides_are_composed_and_interpolations_to_the_run_resolved():
    plain = check(compose("train", ["model.latent_dim=3", "model/encoder=conv"]))
    assert plain["model"]["latent_dim"] == 3
    assert isinstance(plain["run_dir"], str)
    assert "hydra" not in plain


def test_hydra_is_left_as_it_was():
    check(compose("train"))
    assert not GlobalHydra.instance().is_initialized()
    assert not HydraConfig.initialized()


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("model.latentdim=3", "model.latentdim is not a key; did you mean model.latent_dim?"),
        ("modle.latent_dim=3", "modle.latent_dim is not a key; did you mean model.latent_dim?"),
        ("latent_dim=3", "latent_dim is not a key; did you mean model.latent_dim?"),
        ("model.encoder.hiden=[3]", "model.encoder.hiden is not a key; did you mean model.encoder.hidden?"),
        ("seed.x=1", "seed.x is not a key; seed is a single value"),
        ("los=elbo", "los is not a key; did you mean loss?"),
        ("loss=elbow", "loss=elbow is not an option; did you mean loss=elbo? (options: elbo, beta_vae, broken)"),
        ("loss=qqq", "loss=qqq is not an option (options: beta_vae, broken, elbo)"),
        ("loss=[elbo,elbow]", "loss=elbow is not an option; did you mean loss=elbo? (options: elbo, beta_vae, broken)"),
        ("loss=3", "loss=3 is not an option; give the name of one"),
        ("model/encodr=conv", "model/encodr is not a group; did you mean model/encoder?"),
        ("loss.beta=1,2", "loss.beta=1,2 is several values: add -m"),
        ("loss.beta=range(3)", "loss.beta=range(3) is several values: add -m"),
        ("loss.beta=[1", "loss.beta=[1 cannot be read; write key=value"),
        ("seed", "seed cannot be read; write key=value"),
        ("+seed=1", "seed is there already; write it without '+'"),
        ("loss=broken", "not valid yaml"),
        ("hydra.run.dri=x", "hydra.run.dri is not a key; did you mean hydra.run.dir?"),
    ],
)
def test_errors_are_one_sentence(override, sentence):
    with pytest.raises(UserError) as caught:
        compose("train", [override])
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_key_of_a_chosen_option_is_known():
    with pytest.raises(UserError, match=r"did you mean data\.size\?"):
        compose("train", ["data=disk", "data.siz=3"])


def test_a_root_that_is_not_there():
    with pytest.raises(UserError, match=r"no trian\.yaml"):
        compose("trian")


def test_a_group_without_a_default(conf):
    (conf / "bare.yaml").write_text("defaults:\n  - loss: ???\n  - _self_")
    with pytest.raises(UserError, match=r"loss has no value; give loss=OPTION, one of beta_vae, broken, elbo"):
        compose("bare")


def test_a_users_file_wins_over_the_shipped_one_and_adds_options(tmp_path):
    own = tmp_path / "own dir"
    (own / "loss").mkdir(parents=True)
    (own / "loss" / "elbo.yaml").write_text("beta: 7")
    (own / "loss" / "mine.yaml").write_text("beta: 8")
    assert compose("train", [], [own]).loss.beta == 7
    assert compose("train", ["loss=mine"], [own]).loss.beta == 8
    assert compose("train", ["loss=beta_vae"], [own]).loss.beta == 4
    with pytest.raises(UserError, match="is not a folder"):
        compose("train", [], [tmp_path / "absent"])


@pytest.mark.parametrize(
    ("overrides", "runs"),
    [
        (["seed=1,2"], [["seed=1"], ["seed=2"]]),
        (["seed=range(2)", "loss=elbo"], [["seed=0", "loss=elbo"], ["seed=1", "loss=elbo"]]),
        (["loss.beta=choice(1,2)"], [["loss.beta=1"], ["loss.beta=2"]]),
        (["loss=glob(*,exclude=b*)"], [["loss=elbo"]]),
        (["model.encoder.hidden=[1,2],[3]"], [["model.encoder.hidden=[1,2]"], ["model.encoder.hidden=[3]"]]),
        (["hydra.run.dir=x", "seed=1,2"], [["hydra.run.dir=x", "seed=1"], ["hydra.run.dir=x", "seed=2"]]),
        ([], [[]]),
    ],
)
def test_combinations_are_those_of_the_sweep(overrides, runs):
    assert runs_of("train", overrides, multirun=True).overrides == runs


def test_combinations_without_a_sweep_is_the_command_itself():
    assert runs_of("train", ["seed=1,2"], multirun=False).overrides == [["seed=1,2"]]
    assert runs_of("train", ["seed=1"], multirun=False).overrides == [["seed=1"]]


def test_the_configuration_itself_can_ask_for_a_sweep(conf):
    (conf / "sweep.yaml").write_text(
        "defaults: [train, _self_]\nhydra: {mode: MULTIRUN, sweeper: {params: {seed: '1,2'}}}"
    )
    assert runs_of("sweep", ["loss.beta=3"], multirun=False).overrides == [
        ["seed=1", "loss.beta=3"],
        ["seed=2", "loss.beta=3"],
    ]
    assert len(runs_of("train", ["hydra.mode=MULTIRUN", "seed=1,2"], multirun=False).overrides) == 2


def test_values_that_only_another_sweeper_understands_are_refused():
    with pytest.raises(UserError, match="does not support sweep type"):
        runs_of("train", ["seed=interval(1,2)"], multirun=True)


RUNS = (
    ["model.latent_dim=3", "seed=1"],
    ["model.latent_dim=4", "seed=2"],
    ["seed=2", "model.latent_dim=5", "loss=beta_vae"],
    ["model.latent_dim=3", "loss=beta_vae", "loss.beta=2"],
    ["model.latent_dim=3", "+model.priors=[1]"],
    ["~loss", "seed=1"],
    ["model.latent_dim=3", "seed=1"],
)


def test_what_is_remembered_is_what_hydra_composes():
    alone = [compose("train", words) for words in RUNS]
    with remembered():
        together = [compose("train", words) for words in RUNS]
    assert [OmegaConf.to_container(cfg) for cfg in together] == [OmegaConf.to_container(cfg) for cfg in alone]
    assert all(OmegaConf.is_struct(cfg) for cfg in together)


def test_within_a_memory_another_one_asks_the_first(monkeypatch):
    asked, find = [], config_loader_impl.create_defaults_list

    def counted(*args, **kwargs):
        asked.append(args)
        return find(*args, **kwargs)

    monkeypatch.setattr(config_loader_impl, "create_defaults_list", counted)
    alone = compose("train", RUNS[0])
    asked.clear()
    with remembered():
        for _ in range(2):
            with remembered():
                assert OmegaConf.to_container(compose("train", RUNS[0])) == OmegaConf.to_container(alone)
    assert len(asked) == 1


def test_what_a_run_adds_is_in_no_other(conf):
    (conf / "extra").mkdir()
    (conf / "extra" / "one.yaml").write_text("x: 1")
    (conf / "train.yaml").write_text((conf / "train.yaml").read_text() + "\nparts: {}\n")
    with remembered():
        assert compose("train", ["+extra@parts.one=one"]).parts == {"one": {"x": 1}}
        assert compose("train", ["seed=1"]).parts == {}


def test_an_experiment_without_its_first_line_is_told_so(conf):
    (conf / "experiment").mkdir()
    (conf / "experiment" / "mine.yaml").write_text("defaults: [{override /loss: beta_vae}]")
    text = (conf / "train.yaml").read_text()
    (conf / "train.yaml").write_text(text.replace("- _self_", "- _self_\n  - experiment: null"))
    with pytest.raises(UserError, match="loss cannot be overridden by a file of experiment whose first line is not"):
        compose("train", ["experiment=mine"])


def test_a_run_that_is_changed_changes_no_other():
    with remembered():
        first = compose("train", ["seed=1"])
        first.model.latent_dim = 99
        assert compose("train", ["seed=1"]).model.latent_dim != 99
        for words in (["model.latent_dims=3"], ["loss=elbow"]):
            with pytest.raises(UserError, match="did you mean"):
                compose("train", words)
    assert compose("train", ["seed=1"]).seed == 1


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("# Mine.\nseed: 3\n", "experiment is not a key that anything reads.*'# @package _global_'"),
        ("# @package los\nbeta: 3\n", "los is not a key .* did you mean loss?"),
        ("# @package _global_\nmodle: {latent_dim: 3}\n", "modle is not a key .* did you mean model?"),
    ],
)
def test_a_file_whose_content_nobody_would_read_is_refused(monkeypatch, tmp_path, content, sentence):
    monkeypatch.undo()
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text(content)
    with pytest.raises(UserError, match=sentence):
        check(compose("train", ["experiment=mine"], [tmp_path]))


def test_an_option_can_follow_from_another_one(monkeypatch, tmp_path):
    monkeypatch.undo()
    for file, content in {
        "root.yaml": "defaults: [{a: x}, {b: '${a}'}]",
        "a/x.yaml": "v: 1",
        "a/y.yaml": "v: 2",
        "b/x.yaml": "w: 3",
        "b/y.yaml": "w: 4",
    }.items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(content)
    with remembered():
        assert compose("root", [], [tmp_path]).b.w == 3
        assert compose("root", ["a=y"], [tmp_path]).b.w == 4


def test_keys_of_the_users_own_are_those_that_something_refers_to(monkeypatch):
    monkeypatch.undo()
    assert check(compose("train", ["+mine.number=3", "seed=${mine.number}"]))["seed"] == 3
    assert check(compose("train", ["+note=again"]))["note"] == "again"


def test_a_file_that_is_not_utf_8_is_named(monkeypatch, tmp_path):
    monkeypatch.undo()
    (tmp_path / "loss").mkdir()
    (tmp_path / "loss" / "latin.yaml").write_bytes("# Entropie crois\u00e9e\nbeta: 3\n".encode("latin-1"))
    with pytest.raises(UserError, match=r"latin\.yaml is not UTF-8 text"):
        compose("train", ["loss=latin"], [tmp_path])
