import json
import shutil
import subprocess
import sys

import pytest

from vae_exp import cli
from vae_exp.cli.completion import complete
from vae_exp.config import paths

HEAVY = ("torch", "hydra", "omegaconf", "pytorch_lightning", "numpy", "pydantic")


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["train", "--help"], ["info"], ["info", "--help"]])
def test_help_and_info_import_nothing_heavy(words):
    code = f"import sys; from vae_exp.cli import main; main({words!r}); import json; "
    code += f"print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_help_shows_verbs_groups_and_examples(vae_exp):
    for words in ([], ["--help"], ["-h"]):
        done = vae_exp(*words)
        assert done.returncode == 0
        assert all(f"  {verb} " in done.stdout for verb in cli.VERBS)
        assert "model/encoder" in done.stdout
        assert done.stdout.count("vae-exp train") >= 3
        assert max(map(len, done.stdout.splitlines())) <= 80


def test_help_of_train_shows_the_flags_and_defaults(vae_exp):
    out = vae_exp("train", "--help").stdout
    assert all(flag in out for flag in ("--multirun", "--cfg job", "--config-dir DIR"))
    assert "elbo*" in out
    assert "seed=" in out


@pytest.mark.parametrize("verb", ["report", "info", "init-conf", "completion"])
def test_help_of_the_other_verbs_shows_their_usage(vae_exp, verb):
    done = vae_exp(verb, "--help")
    assert done.returncode == 0
    assert f"vae-exp {verb}" in done.stdout


def test_version(vae_exp):
    done = vae_exp("--version")
    assert done.returncode == 0
    assert done.stdout.startswith("vae-exp ")


def test_a_misspelt_verb_gets_the_nearest(vae_exp):
    done = vae_exp("trian")
    assert done.returncode == 1
    assert done.stderr == "vae-exp: trian is not a verb; did you mean train?\n"


def test_an_override_without_a_verb_is_no_verb(vae_exp):
    done = vae_exp("data=mnist")
    assert done.returncode == 1
    assert "the verbs are train" in done.stderr


def test_info_lists_every_option_of_the_configuration(vae_exp):
    out = vae_exp("info").stdout
    for file in paths.conf_dir().glob("*/*.yaml"):
        if not file.name.startswith("_") and file.parent.name != "hydra":
            assert f"  {file.stem}" in out
    assert all(name in out for name in ("torch", "cpu", "configuration", str(paths.conf_dir())))


def test_info_of_one_group_and_of_a_users_folder(vae_exp, tmp_path):
    (tmp_path / "loss").mkdir()
    (tmp_path / "loss" / "mine.yaml").write_text("# My loss.\n# Me, 2030\nbeta: 1\n")
    out = vae_exp("info", "--config-dir", str(tmp_path), "loss").stdout
    assert "My loss." in out
    assert "Me, 2030" in out
    assert "elbo" in out
    assert "cifar10" not in out
    done = vae_exp("info", "lss")
    assert done.returncode == 1
    assert "lss is not a group" in done.stderr


def test_init_conf_makes_a_copy_and_says_how_to_use_it(vae_exp, tmp_path):
    folder = tmp_path / "my conf"
    done = vae_exp("init-conf", str(folder))
    assert done.returncode == 0
    assert f"vae-exp train --config-dir '{folder}'" in done.stdout
    assert (folder / "train.yaml").read_text() == (paths.conf_dir() / "train.yaml").read_text()
    assert [file.name for file in tmp_path.iterdir()] == ["my conf"]


def test_init_conf_leaves_what_is_there(vae_exp, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    done = vae_exp("init-conf", str(tmp_path))
    assert done.returncode == 1
    assert "is there already" in done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


def test_init_conf_leaves_no_half_of_a_copy(tmp_path, monkeypatch, capsys):
    def full(*args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copytree", full)
    assert cli.main(["init-conf", str(tmp_path / "conf")]) == 1
    assert "no space left" in capsys.readouterr().err
    assert not any(tmp_path.iterdir())


@pytest.mark.slow
def test_train_uses_an_edited_copy(vae_exp, tmp_path):
    vae_exp("init-conf", str(tmp_path / "conf"))
    file = tmp_path / "conf" / "loss" / "elbo.yaml"
    file.write_text(file.read_text().replace("beta: 1.0", "beta: 4.5"))
    done = vae_exp("train", "--config-dir", str(tmp_path / "conf"), "--cfg", "job")
    assert done.returncode == 0, done.stderr
    assert "beta: 4.5" in done.stdout


def test_an_interrupt_is_one_line(monkeypatch, capsys):
    def interrupted(argv):
        raise KeyboardInterrupt

    monkeypatch.setattr("vae_exp.cli.info.main", interrupted)
    assert cli.main(["info"]) == 130
    assert capsys.readouterr().err == "vae-exp: interrupted\n"


def test_an_unexpected_error_is_one_line_unless_the_traceback_is_wanted(monkeypatch, capsys):
    def broken(argv):
        raise RuntimeError("odd")

    monkeypatch.setattr("vae_exp.cli.info.main", broken)
    assert cli.main(["info"]) == 1
    assert capsys.readouterr().err == "vae-exp info: RuntimeError: odd (set HYDRA_FULL_ERROR=1 for the traceback)\n"
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    with pytest.raises(RuntimeError):
        cli.main(["info"])


@pytest.mark.parametrize(
    ("line", "among"),
    [
        ("vae-exp ", "train"),
        ("vae-exp inf", "info"),
        ("vae-exp train da", "data="),
        ("vae-exp train data=mn", "data=mnist"),
        ("vae-exp train model/enc", "model/encoder="),
        ("vae-exp train model/encoder=c", "model/encoder=conv"),
        ("vae-exp train -m loss.b", "loss.beta="),
        ("vae-exp train callbacks.early_stopping.", "callbacks.early_stopping.patience="),
        ("vae-exp train data=celeba data.si", "data.size="),
        ("vae-exp train --conf", "--config-dir"),
        ("vae-exp train see", "seed="),
    ],
)
def test_completion_offers(line, among):
    found = complete(line)
    assert among in found
    word = line.rpartition(" ")[2]
    assert all(text.startswith(word) for text in found)


@pytest.mark.parametrize("line", ["vae-exp", "vae-exp nonsense x", "vae-exp info x", "vae-exp train 'open", ""])
def test_completion_of_odd_lines_is_quiet(line):
    assert isinstance(complete(line), list)


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
@pytest.mark.parametrize(
    ("line", "reply"),
    [("vae-exp tr", "train"), ("vae-exp train data=mnist_", "mnist_5k"), ("vae-exp train see", "seed=")],
)
def test_completion_works_in_bash(vae_exp, line, reply):
    script = vae_exp("completion", "bash").stdout
    command = f"""vae-exp() {{ {sys.executable} -m vae_exp "$@"; }}
    compopt() {{ :; }}
    {script}
    COMP_LINE='{line}' COMP_POINT={len(line)}; _vae_exp; printf '%s\\n' "${{COMPREPLY[@]}}" """
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [reply]
    assert done.stderr == ""
