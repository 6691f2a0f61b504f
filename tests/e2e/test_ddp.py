"""Two processes on one machine, as Lightning starts them: by giving the command again."""

from __future__ import annotations

import json
import os
import shutil

import pytest
import torch

from .commands import MODULE, SCRIPT, TINY, figures, own_process, weights

TWO = ("trainer.devices=2", "trainer.strategy=ddp")
GREY = ("data.binarize=none", "loss.num_samples=1")  # nothing random in the examples
PROGRAMS = {"script": SCRIPT, "module": MODULE}

pytestmark = pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="needs two cores")


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS)
def test_two_processes_train_and_only_the_first_writes(tmp_path, program):
    done = own_process("train", *TINY, *TWO, "hydra.run.dir=run", cwd=tmp_path, program=PROGRAMS[program])
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("epoch 2") == 1
    run = tmp_path / "run"
    assert json.loads((run / "status.json").read_text())["attempts"] == 1
    assert [path.name for path in run.glob("*.log")] == ["train.log"]
    assert 0 < figures(run)["test/nelbo"] < 46
    assert all(torch.isfinite(w).all() for w in weights(run / "checkpoints" / "last.ckpt").values())


@pytest.mark.slow
def test_two_processes_evaluate_every_example_once(tmp_path):
    done = own_process("train", *TINY, *GREY, "hydra.run.dir=one", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    eval_batch = "data.eval_batch_size=7"  # 180 = 12 * 14 + 12: unequal last batches
    assert own_process("evaluate", "run=one", eval_batch, cwd=tmp_path).returncode == 0
    done = own_process("evaluate", "run=two", eval_batch, *TWO, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    one, two = (figures(tmp_path / name) for name in ("one", "two"))
    for name in ("mse", "mse/se", "rate", "rate/se", "kl_per_dim", "active_units"):  # free of noise
        assert two[f"test/{name}"] == pytest.approx(one[f"test/{name}"], rel=1e-5), name
    assert two["test/nelbo_bce"] == pytest.approx(one["test/nelbo_bce"], rel=0.01)


@pytest.mark.slow
def test_two_processes_take_the_step_of_one_with_twice_the_batch(tmp_path):
    sure = ("model.posterior.min_log_var=-60", "model.posterior.max_log_var=-59")  # z is the posterior's mean
    common = (*TINY, *GREY, *sure, "loss.beta=0", "optimizer=sgd", "lr_schedule=constant", "trainer.max_epochs=1")
    for name, words in {"one": ("data.batch_size=128",), "two": ("data.batch_size=64", *TWO)}.items():
        done = own_process("train", *common, *words, f"hydra.run.dir={name}", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    one, two = (weights(tmp_path / name / "checkpoints" / "last.ckpt") for name in ("one", "two"))
    for name, weight in one.items():
        torch.testing.assert_close(two[name], weight, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_two_processes_take_the_eager_step_by_a_graph_and_go_on_in_the_middle_of_an_epoch(tmp_path):
    common = (*TINY, *TWO, "lr_schedule=constant", "trainer.max_epochs=-1")
    for step in ("eager", "compiled"):
        for until in ("trainer.max_steps=5", "trainer.max_steps=12"):
            done = own_process("train", *common, until, f"trainer.step={step}", f"hydra.run.dir={step}", cwd=tmp_path)
            assert done.returncode == 0, done.stderr
            assert "goes on eagerly" not in done.stderr
        assert "going on from" in done.stderr
    assert "not compiled" not in done.stderr
    eager, compiled = (weights(tmp_path / name / "checkpoints" / "last.ckpt") for name in ("eager", "compiled"))
    for name, weight in eager.items():
        torch.testing.assert_close(compiled[name], weight, rtol=0, atol=2e-6)


@pytest.mark.slow
def test_two_processes_resume_to_the_same_weights(tmp_path):
    common = (*TINY, *TWO, "lr_schedule=constant", "callbacks.ema.decay=0.9")
    for folder, epochs in (("whole", 2), ("parts", 1), ("parts", 2)):
        done = own_process("train", *common, f"trainer.max_epochs={epochs}", f"hydra.run.dir={folder}", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert "going on from" in done.stderr
    whole, parts = (weights(tmp_path / name / "checkpoints" / "last.ckpt") for name in ("whole", "parts"))
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    assert figures(tmp_path / "whole") == figures(tmp_path / "parts")


def test_a_sweep_of_several_processes_a_run_is_refused(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = command("train", "-m", *TINY, *TWO, "seed=0,1")
    assert done.code == 1
    assert "trainer.devices=1" in done.err
    assert not any(tmp_path.iterdir())
