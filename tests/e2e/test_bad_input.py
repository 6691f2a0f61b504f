"""Bad input gets one sentence and exit code 1, and leaves nothing behind."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from .commands import TINY

HERE = "hydra.run.dir=new"
SLOW = pytest.mark.slow  # a command takes half a second, most of it for yaml: one of each kind is tried always
GREY = np.random.default_rng(0).integers(0, 256, (40, 8, 8), dtype=np.uint8)


def content(folder: Path) -> dict[str, int]:
    """Every file and folder, with its time of change."""
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def refused(command, tmp_path, monkeypatch):
    """Give a command that must fail; answers with its sentence."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VAE_EXP_DATA", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / ".lock").touch()

    def give(*words: str) -> str:
        before = content(tmp_path)
        done = command(*words)
        assert done.code == 1, done.out + done.err
        lines = [line for line in done.err.splitlines() if not line.startswith(("decoding ", "run "))]
        assert len(lines) == 1, done.err
        assert "Traceback" not in done.out + done.err
        assert "HYDRA_FULL_ERROR" not in done.err  # that is for bugs
        assert content(tmp_path) == before
        assert not (tmp_path / "new").exists()
        return lines[0]

    return give


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["loss.betta=3"], ["loss.betta", "loss.beta?"]),
        (["sed=1"], ["sed", "seed?"]),
        pytest.param(["latent_dim=3"], ["model.latent_dim?"], marks=SLOW),
        (["dta=mnist"], ["dta", "data?"]),
        (["model=con"], ["model=con", "model=conv?"]),
        pytest.param(["model.encoder.activation=Relu"], ["model.encoder.activation=Relu", "'ReLU'"], marks=SLOW),
        (["data.binarize=dynamc"], ["data.binarize=dynamc", "'dynamic'"]),
        (["model.latent_dim=abc"], ["model.latent_dim=abc", "integer"]),
        pytest.param(["model.latent_dim=2.5"], ["model.latent_dim=2.5", "integer"], marks=SLOW),
        pytest.param(["model.latent_dim=true"], ["model.latent_dim=true", "integer"], marks=SLOW),
        (["model.latent_dim=0"], ["model.latent_dim=0", "1"]),
        (["loss.beta=-1"], ["loss.beta=-1", "0"]),
        pytest.param(["loss.beta=nan"], ["loss.beta=nan", "finite"], marks=SLOW),
        pytest.param(["loss.free_bits=-1"], ["loss.free_bits=-1"], marks=SLOW),
        pytest.param(["seed=-1"], ["seed=-1"], marks=SLOW),
        (["seed=1,2"], ["seed=1,2", "-m"]),
        pytest.param(["loss.beta=[1"], ["loss.beta=[1"], marks=SLOW),
        (["trainer.max_epochs=0"], ["trainer.max_epochs=0"]),
        (["trainer.max_epochs=abc"], ["trainer.max_epochs=abc", "integer"]),
        pytest.param(["trainer.max_epochs=-3"], ["trainer", "-3"], marks=SLOW),
        pytest.param(["trainer.limit_val_batches=0"], ["trainer.limit_val_batches=0"], marks=SLOW),
        (["trainer.accumulate_grad_batches=0"], ["trainer.accumulate_grad_batches=0"]),
        pytest.param(["trainer.gradient_clip_val=-1"], ["trainer.gradient_clip_val=-1"], marks=SLOW),
        pytest.param(["trainer.gradient_clip_algorithm=x"], ["trainer", "gradient_clip_algorithm"], marks=SLOW),
        (["trainer.precision=nonsense"], ["trainer.precision=nonsense", "bf16-mixed"]),
        pytest.param(["trainer.devices=0"], ["trainer", "devices=0"], marks=SLOW),
        (["trainer.devices=9999"], ["trainer.devices=9999", "cores"]),
        pytest.param(["trainer.accelerator=nonsense"], ["trainer", "accelerator='nonsense'", "cpu"], marks=SLOW),
        pytest.param(["trainer.strategy=nonsense"], ["trainer", "strategy='nonsense'", "ddp"], marks=SLOW),
        pytest.param(["+trainer.max_epoch=3"], ["trainer.max_epoch"], marks=SLOW),
        (["optimizer.lr=-1"], ["optimizer", "-1"]),
        pytest.param(["optimizer.lr=abc"], ["optimizer.lr=abc", "number"], marks=SLOW),
        pytest.param(["optimizer.betas=[0.9]"], ["optimizer.betas=[0.9]"], marks=SLOW),
        (["metrics=[]"], ["metrics has no value"]),
        (["metrics=[mse,nll]"], ["val/nelbo", "add elbo"]),
        pytest.param(["loss=[elbo,iwae]"], ["loss=[elbo,iwae]", "write loss=elbo"], marks=SLOW),
        (["logger=null"], ["vae-exp train: logger=null is not an option"]),
        (["-m", "seed=glob(*)"], ["nothing to run", "seed"]),
        pytest.param(["-m", "--cfg", "job"], ["--multirun and --cfg"], marks=SLOW),
        pytest.param(["resume=null"], ["resume=null", "never"], marks=SLOW),
        pytest.param(["trusted_packages=null"], ["trusted_packages", "list"], marks=SLOW),
        pytest.param(["+model.latent_dimm=3"], ["model.latent_dimm", "did you mean model.latent_dim?"], marks=SLOW),
        pytest.param(["~lr_schedule"], ["lr_schedule has no value"], marks=SLOW),
        (["callbacks.checkpoint=null"], ["callbacks.checkpoint", "checkpoints"]),
        pytest.param(["callbacks=[]"], ["callbacks.checkpoint", "checkpoints"], marks=SLOW),
        (["resume=none.ckpt"], ["none.ckpt", "checkpoint"]),
        pytest.param(["data=npz"], ["data.path"], marks=SLOW),
        (["data=npz", "data.path=none.npz"], ["data.path=none.npz"]),
        (["data=image_folder", "data.path=none"], ["data.path=none"]),
        pytest.param(["data.val_fraction=1.0"], ["data.val_fraction=1.0"], marks=SLOW),
        (["data.val_fraction=0.95"], ["data.val_fraction=0.95"]),
        (["data=npz", "data.path=grey.npz", "model=conv", "model.encoder.channels=[4,4,4,4,4]"], ["model", "8x8"]),
        (["--config-dir", "none"], ["none", "folder"]),
    ],
    ids=lambda value: " ".join(value) if "=" in value[0] else "",
)
def test_settings(refused, tmp_path, words, parts):
    if "data.path=grey.npz" in words:
        np.savez(tmp_path / "grey.npz", x=GREY)
    tiny = [word for word in TINY if "hidden" not in word] if "model=conv" in words else TINY
    sentence = refused("train", *tiny, HERE, *words)
    assert all(part in sentence for part in parts), sentence


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a gpu")
def test_a_device_that_is_not_there(refused, run):
    assert "trainer" in refused("train", *TINY, HERE, "trainer.accelerator=gpu")
    assert "device=cuda" in refused("sample", f"run={run}", "device=cuda")


@pytest.mark.parametrize(
    ("arrays", "part"),
    [
        ({"x": np.where(GREY > 250, np.nan, GREY / 255)}, "nan"),
        ({"x": GREY.astype(float)}, "[0, 255]"),
        pytest.param({"x": GREY / 255 - 0.5}, "[-0.5, 0.5]", marks=SLOW),
        pytest.param({"x": GREY.reshape(40, 64)}, "data.path=my.npz", marks=SLOW),
        ({"x": GREY.reshape(8, 5, 8, 8)}, "data.path=my.npz"),
        pytest.param({"x": GREY[:0]}, "shape", marks=SLOW),
        ({"x": GREY[:1]}, "test_fraction"),
        pytest.param({"x": GREY.astype(int)}, "data.path=my.npz", marks=SLOW),
        ({"x": GREY, "y": np.zeros(3, int)}, "y is"),
        ({"z": GREY}, "data.path=my.npz"),
        ({"x": np.array([GREY, None], dtype=object)}, "data.path=my.npz"),
    ],
)
def test_arrays(refused, tmp_path, arrays, part):
    np.savez(tmp_path / "my.npz", **arrays)
    assert part in refused("train", *TINY, HERE, "data=npz", "data.path=my.npz")


def test_files_that_are_no_arrays(refused, tmp_path):
    (tmp_path / "text.npz").write_text("hello")
    assert "data.path=text.npz" in refused("train", *TINY, HERE, "data=npz", "data.path=text.npz")
    np.savez(tmp_path / "whole.npz", x=GREY)
    (tmp_path / "cut.npz").write_bytes((tmp_path / "whole.npz").read_bytes()[:2000])
    assert "data.path=cut.npz" in refused("train", *TINY, HERE, "data=npz", "data.path=cut.npz")


def test_levels_are_asked_of_numbers_between_them(refused, tmp_path):
    np.savez(tmp_path / "my.npz", x=GREY / 255)
    words = ["data=npz", "data.path=my.npz", "model/likelihood=discretized_logistic"]
    assert "model/likelihood=gaussian" in refused("train", *TINY, HERE, *words)


@pytest.mark.parametrize("limit", ["4", "0"], ids=["in memory", "streamed"])
def test_an_unreadable_picture(refused, tmp_path, limit):
    (tmp_path / "my").mkdir()
    for number in range(30):
        Image.fromarray(GREY[number]).save(tmp_path / "my" / f"{number:02d}.png")
    broken = tmp_path / "my" / "07.png"
    broken.write_bytes(broken.read_bytes()[:40])
    words = ["data=image_folder", "data.path=my", "data.num_workers=0", f"data.memory_limit_gb={limit}"]
    assert "07.png" in refused("train", *TINY, HERE, *words)


def test_a_data_set_that_is_not_there_and_no_network(refused, monkeypatch):
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert "data.root" in refused("train", *TINY, HERE, "data=cifar10")


FORBIDDEN = [
    "os.system",
    "vae_exp.run.torch.load",
    *(pytest.param(name, marks=SLOW) for name in ("torch.load", "builtins.eval", "vae_exp.data.npz.np.load")),
]


@pytest.mark.parametrize("target", FORBIDDEN)
def test_a_forbidden_target_in_the_command_line(refused, target):
    assert f"_target_={target}" in refused("train", *TINY, HERE, f"loss._target_={target}")


@pytest.mark.parametrize("word", ["+loss.schedule.x._target_=os.system", "+loss.x={_target_: os.system}"])
def test_a_forbidden_target_that_is_added(refused, word):
    assert "loss" in refused("train", *TINY, HERE, word)


@pytest.mark.parametrize("target", FORBIDDEN)
def test_a_forbidden_target_in_a_file(refused, tmp_path, target):
    (tmp_path / "mine" / "loss").mkdir(parents=True)
    (tmp_path / "mine" / "loss" / "evil.yaml").write_text(f"_target_: {target}\ncommand: touch pwned\n")
    assert f"_target_={target}" in refused("train", "--config-dir", "mine", *TINY, HERE, "loss=evil")


def test_a_forbidden_target_among_hydras_own(refused, tmp_path):
    (tmp_path / "mine" / "experiment").mkdir(parents=True)
    text = "# @package _global_\nhydra: {callbacks: {x: {_target_: torch.load, f: stranger.pt}}}\n"
    (tmp_path / "mine" / "experiment" / "evil.yaml").write_text(text)
    sentence = refused("train", "--config-dir", "mine", *TINY, HERE, "experiment=evil")
    assert "hydra.callbacks.x: _target_=torch.load is not allowed" in sentence


@pytest.mark.parametrize("target", FORBIDDEN)
def test_a_forbidden_target_in_a_reloaded_run(refused, run, target):
    edit(run, "vae_exp.models.vae.VAE", target)
    assert f"_target_={target}" in refused("sample", f"run={run}")
    if target == "os.system":
        assert f"_target_={target}" in refused("evaluate", f"run={run}")


def test_a_run_cannot_trust_itself(refused, run, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "stranger.py").write_text("raise SystemExit('ran')\n")
    edit(run, "vae_exp.models.vae.VAE", "stranger.Model")
    edit(run, "trusted_packages: []", "trusted_packages: [stranger]")
    assert "_target_=stranger.Model" in refused("sample", f"run={run}")
    assert "trusted_packages" in refused("train", *TINY, HERE, "trusted_packages=[torch]")


@pytest.mark.parametrize("verb", ["evaluate", "sample"])
def test_a_folder_that_is_no_run(refused, tmp_path, run, verb):
    assert "run=VALUE" in refused(verb)
    assert "run=none is not a run's folder" in refused(verb, "run=none")
    assert "is not a run's folder" in refused(verb, f"run={tmp_path}")
    (run / ".hydra" / "config.yaml").write_bytes(b"\x80\x81{{{" if verb == "sample" else b"data: 3\n")
    assert "config.yaml" in refused(verb, "run=run")


@pytest.mark.parametrize("verb", ["evaluate", "sample"])
def test_a_run_without_a_checkpoint(refused, run, verb):
    for name in ("best.ckpt", "last.ckpt"):
        (run / "checkpoints" / name).unlink()
    assert "run=run has no checkpoint" in refused(verb, "run=run")


@pytest.mark.parametrize("size", [1000, pytest.param(0, marks=SLOW), pytest.param(-10, marks=SLOW)])
def test_a_truncated_checkpoint(refused, run, size):
    for name in ("best.ckpt", "last.ckpt"):
        path = run / "checkpoints" / name
        whole = path.read_bytes()
        path.unlink()  # best and last may be the same file
        path.write_bytes(whole[:size])
    assert "best.ckpt" in refused("evaluate", "run=run")
    assert "best.ckpt" in refused("sample", "run=run")
    assert "last.ckpt" in refused("train", *TINY, HERE, "resume=run/checkpoints/last.ckpt")


def test_a_checkpoint_of_another_model(refused, run):
    other = [*TINY, HERE, "trainer.max_epochs=3", "model.latent_dim=4", "resume=run/checkpoints/last.ckpt"]
    assert "belongs to another model" in refused("train", *other)
    edit(run, "latent_dim: 3", "latent_dim: 4")
    assert "belongs to another model" in refused("evaluate", "run=run")
    assert "belongs to another model" in refused("sample", "run=run")


def test_files_that_are_no_checkpoints_of_ours(refused, tmp_path):
    (tmp_path / "text.ckpt").write_text("hello")
    torch.save({"state_dict": {}}, tmp_path / "other.ckpt")
    torch.save({"vae_exp": os.system}, tmp_path / "code.ckpt")
    for name in ("text.ckpt", "other.ckpt", "code.ckpt"):
        assert name in refused("train", *TINY, HERE, f"resume={name}")


def test_another_configuration_for_a_folder_with_a_run(refused, run):
    sentence = refused("train", *TINY, "hydra.run.dir=run", "loss.beta=3")
    assert all(part in sentence for part in ("loss.beta was 1.0 and is 3", "resume=never"))


def edit(run: Path, old: str, new: str) -> None:
    path = run / ".hydra" / "config.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


MORE = ["num=abc", "num=2.5", "batch_size=0", "temperature=abc", "seed=-1", "what.pixels=x", "nm=3", "device=nonsense"]


@pytest.mark.parametrize(
    "word",
    [
        *("format=jpg", "num=0", "temperature=-1", "seed=abc", "what=nosuch", "out=there", "out=there.png"),
        "out=/proc/x/y.png",
        *(pytest.param(word, marks=SLOW) for word in MORE),
    ],
)
def test_settings_of_a_sample(refused, run, tmp_path, word):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "x").touch()
    (tmp_path / "there.png").touch()
    assert word.partition("=")[0] in refused("sample", "run=run", word)


def test_what_means_nothing_is_refused(refused, run):
    """And names what would do."""
    of_draws = refused("sample", "run=run", "what=reconstruct", "temperature=0.5")
    assert "temperature: what=reconstruct draws nothing from the prior" in of_draws
    assert "data.path: the data of run=run have no path" in refused("evaluate", "run=run", "data.path=x.npz")
    assert "data is not chosen here; it has the keys root, path" in refused("evaluate", "run=run", "data=mnist")
    assert "are of users and items" in refused("evaluate", "run=run", "metrics=recommender")
    for verb in ("status", "report"):
        assert "--metric val/nelb: no run has it; did you mean val/nelbo?" in refused(verb, ".", "--metric", "val/nelb")
    assert "are required: folder; vae-exp status DIR" in refused("status")


@pytest.mark.parametrize(
    "word",
    [
        *("evaluation.num_importance_samples=0", "trainer.precision=x", "trainer.limit_test_batches=0"),
        *(pytest.param(word, marks=SLOW) for word in ("data.eval_batch_size=0", "loss.beta=2", "metrics=nosuch")),
    ],
)
def test_settings_of_an_evaluation(refused, run, word):
    sentence = refused("evaluate", "run=run", word)
    assert word.partition("=")[0].rpartition(".")[2].removeprefix("num_importance_") in sentence


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_read_only_run(refused, run):
    run.chmod(0o555)
    assert "run=run" in refused("evaluate", "run=run")


@pytest.mark.parametrize("words", [["sample", "run=run", "num=4"], ["sample", "run=run", "num=4", "format=npz"]])
def test_no_space_left(refused, run, monkeypatch, words):
    monkeypatch.setattr(os, "fsync", full)
    monkeypatch.setattr(np.lib.format, "write_array_header_1_0", full)
    assert "no space left" in refused(*words).lower()


def test_no_space_left_for_a_checkpoint(command, tmp_path, monkeypatch):
    """The run took steps: its folder stays, and tells what happened."""
    monkeypatch.chdir(tmp_path)
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: full() if os.fstat(handle).st_size > 9000 else real(handle))
    done = command("train", *TINY, HERE)
    assert done.code == 1
    assert "no space left" in done.err.splitlines()[-1]
    assert '"failed"' in (tmp_path / "new" / "status.json").read_text()
    assert not list((tmp_path / "new" / "checkpoints").iterdir())


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")
