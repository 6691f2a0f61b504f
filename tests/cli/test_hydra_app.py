import logging
import os
import sys

import pytest
from hydra.core.hydra_config import HydraConfig

from vae_exp.cli.hydra_app import run_hydra
from vae_exp.errors import UserError

pytestmark = pytest.mark.usefixtures("toy")


@pytest.fixture(autouse=True)
def _quiet_afterwards():
    """Hydra gives the root logger handlers that write to the captured streams, and stays configured."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    for handler in set(root.handlers) - set(handlers):
        handler.close()
    root.handlers, root.level = handlers, level
    HydraConfig.instance().cfg = None


@pytest.fixture
def app(monkeypatch):
    """Run the toy root; returns the exit code and the configurations of its runs."""

    def run(*argv, job=None, before=None):
        seen = []

        def note(cfg):
            seen.append(cfg)
            return job(cfg) if job else 0.0

        monkeypatch.setattr(sys, "argv", ["vae-exp", "toy", *argv])
        return run_hydra("toy", list(argv), note, before), seen

    return run


def fail_at(seed, error):
    def job(cfg):
        if cfg.seed == seed:
            raise error

    return job


def test_a_run_gets_its_configuration_and_its_folder(app, toy):
    code, [cfg] = app("loss.beta=3")
    assert code == 0
    assert cfg.loss.beta == 3
    assert (toy / "out" / ".hydra" / "config.yaml").is_file()


def test_the_verb_is_in_argv_inside_the_run_and_the_folder_is_known(app, toy):
    words, names, folders = [], [], []

    def job(cfg):
        words.append(list(sys.argv))
        names.append(HydraConfig.get().job.name)
        folders.append(cfg.run_dir)

    app("seed=1", job=job)
    assert words == [["vae-exp", "toy", "seed=1"]]
    assert names == ["toy"]
    assert folders == [str(toy / "out")]
    assert sys.argv == ["vae-exp", "toy", "seed=1"]


@pytest.mark.parametrize("argv", [["loss.betta=3"], ["loss=elbow"], ["+schedule.x=1"], ["seed=1,2"], ["loss.beta=[1"]])
def test_a_wrong_command_writes_nothing(app, toy, argv):
    with pytest.raises(UserError):
        app(*argv)
    assert not any(toy.iterdir())


def test_a_sweep_with_one_wrong_run_starts_nothing_and_names_it(app, toy):
    with pytest.raises(UserError) as caught:
        app("-m", "loss=elbo,mine,elbow", "seed=1,2")
    text = str(caught.value)
    assert "nothing was started, since 2 of 6 runs cannot be" in text
    assert text.count("did you mean loss=elbo?") == 1
    assert "loss=elbow seed=1" in text
    assert "loss=elbow seed=2" in text
    assert not any(toy.iterdir())


def test_the_verbs_own_check_sees_every_combination(app, toy):
    seen = []

    def before(cfg, settings):
        seen.append(cfg.seed)
        assert settings["seed"] == cfg.seed
        if cfg.seed == 2:
            raise UserError("two is too many")

    with pytest.raises(UserError, match="two is too many"):
        app("-m", "seed=1,2,3", before=before)
    assert seen == [1, 2, 3]
    assert not any(toy.iterdir())


def test_flags_may_stand_behind_overrides(app):
    code, seen = app("seed=1,2", "-m", "loss.beta=5")
    assert code == 0
    assert [(cfg.seed, cfg.loss.beta) for cfg in seen] == [(1, 5), (2, 5)]


def test_a_users_error_is_one_sentence(app, capfd):
    code, _ = app(job=fail_at(0, UserError("no such run")))
    assert code == 1
    assert capfd.readouterr().err == "vae-exp toy: no such run\n"


def test_an_unexpected_error_tells_its_type_and_how_to_see_more(app, capfd):
    code, _ = app(job=fail_at(0, RuntimeError("out of\n  memory")))
    assert code == 1
    assert capfd.readouterr().err == (
        "vae-exp toy: RuntimeError: out of memory (set HYDRA_FULL_ERROR=1 for the traceback)\n"
    )
    assert "HYDRA_FULL_ERROR" not in os.environ


def test_the_traceback_is_printed_when_asked_for(app, capfd, monkeypatch):
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    code, _ = app(job=fail_at(0, RuntimeError("out of memory")))
    assert code == 1
    assert "Traceback (most recent call last)" in capfd.readouterr().err


def test_the_environment_of_a_run_is_the_users(app):
    seen = []
    app(job=lambda cfg: seen.append(os.environ.get("HYDRA_FULL_ERROR")))
    assert seen == [None]


def test_a_failing_run_does_not_stop_the_others(app, capfd):
    code, seen = app("-m", "seed=1,2,3", job=fail_at(2, RuntimeError("boom")))
    assert code == 1
    assert [cfg.seed for cfg in seen] == [1, 2, 3]
    error = capfd.readouterr().err
    assert "Traceback" not in error
    assert "seed=2 failed: RuntimeError: boom" in error
    assert error.splitlines()[-1] == "vae-exp toy: not all runs are done; the errors are above"


@pytest.mark.parametrize("code", [143, 0, 3])
def test_exit_codes_pass(app, code):
    with pytest.raises(SystemExit) as caught:
        app(job=fail_at(0, SystemExit(code)))
    assert caught.value.code == code


def test_an_interrupt_passes(app):
    with pytest.raises(KeyboardInterrupt):
        app(job=fail_at(0, KeyboardInterrupt()))


def test_showing_the_configuration_runs_nothing(app, toy, capfd):
    code, seen = app("--cfg", "job", "loss.beta=9")
    assert code == 0
    assert seen == []
    assert "beta: 9" in capfd.readouterr().out
    assert not any(toy.iterdir())
    with pytest.raises(UserError, match="did you mean"):
        app("--cfg", "job", "loss.betta=9")


@pytest.mark.parametrize("flag", ["--config-dir", "-cd", "--config-path"])
def test_a_file_in_the_users_folder_wins_in_the_check_and_in_the_run(app, tmp_path, flag):
    own = tmp_path / "own"
    (own / "loss").mkdir(parents=True)
    (own / "loss" / "elbo.yaml").write_text("beta: 77\n")
    code, [cfg] = app(flag, str(own), "seed=4")
    assert code == 0
    assert (cfg.loss.beta, cfg.seed) == (77, 4)
    code, [cfg] = app(f"{flag}={own}", "loss=mine")
    assert cfg.loss.beta == 2


def test_a_users_folder_that_is_not_there(app, tmp_path):
    with pytest.raises(UserError, match="is not a folder"):
        app("--config-dir", str(tmp_path / "absent"))


def test_a_process_of_another_device_is_not_checked_again(app, monkeypatch):
    checked = []
    monkeypatch.setenv("LOCAL_RANK", "1")
    words = ["hydra.run.dir=out", "hydra.job.name=train_ddp_process_1", "hydra.output_subdir=null"]
    code, seen = app(*words, before=lambda *given: checked.append(given))
    assert (code, len(seen), checked) == (0, 1, [])
