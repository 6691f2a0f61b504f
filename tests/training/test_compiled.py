"""A compiled step gives the numbers of the eager one, and falls back to it in one sentence."""

import itertools
import logging
import math

import pytest
import pytorch_lightning as pl
import torch
from torch.distributions import Distribution

from .making import fit, weights

RUN = ("trainer.max_epochs=2", "data.batch_size=400", "~callbacks.pictures")  # 4 steps an epoch, the last of them short
SCHEDULED = ("loss/schedule=linear", "loss.schedule.duration=2", "lr_schedule.final=0.1", "optimizer.lr=0.01")


@pytest.fixture(autouse=True)
def _unchecked():
    Distribution.set_default_validate_args(False)  # as the command has it: checks of values stop compilation


def both(settings, *overrides, callbacks=tuple):
    """The module and the trainer of an eager and of a compiled run."""
    eager = fit(settings(*RUN, *overrides, "trainer.step=eager", folder="eager"), *callbacks())
    compiled = fit(settings(*RUN, *overrides, "trainer.step=compiled", folder="compiled"), *callbacks())
    return eager, compiled


def saved(trainer):
    return torch.load(f"{trainer.default_root_dir}/checkpoints/last.ckpt", weights_only=True)


def compare(eager, compiled):
    (module, trainer), (other, others) = eager, compiled
    assert trainer.global_step == others.global_step
    torch.testing.assert_close(weights(other), weights(module), rtol=1e-4, atol=1e-6)
    mine, theirs = saved(trainer), saved(others)
    torch.testing.assert_close(theirs.get("average", {}), mine.get("average", {}), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(theirs["state_dict"], mine["state_dict"], rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(
        theirs["optimizer_states"][0]["state"], mine["optimizer_states"][0]["state"], rtol=1e-3, atol=1e-5
    )
    assert trainer.callback_metrics.keys() == others.callback_metrics.keys()
    for name, value in trainer.callback_metrics.items():
        assert others.callback_metrics[name].item() == pytest.approx(value.item(), rel=1e-4), name
    assert other.steps.norm.item() == pytest.approx(module.steps.norm.item(), rel=1e-3)


CASES = {
    "everything": (*SCHEDULED, "callbacks.ema.decay=0.9", "trainer.gradient_clip_val=20", "data.binarize=dynamic"),
    "adamw": ("optimizer=adamw", "optimizer.weight_decay=0.1", "loss.free_bits=0.5"),
    "values": ("optimizer.weight_decay=0.1", "trainer.gradient_clip_val=0.1", "trainer.gradient_clip_algorithm=value"),
    "accumulated": ("trainer.accumulate_grad_batches=3", "callbacks.ema.decay=0.9", "trainer.gradient_clip_val=20"),
    "sgd": ("optimizer=sgd",),
    "discriminator": ("loss=factor_vae", "loss.discriminator.hidden=[8]", "trainer.gradient_clip_val=1"),
    # SGD, since a bias before batch norm has no gradient but noise, which Adam would make a step of.
    "moving_buffers": ("loss=geco", "loss.tolerance=20", "model.encoder.norm=batch", "optimizer=sgd"),
    "samples": ("loss=iwae", "loss.num_samples=3"),
    "vamp": ("model/prior=vamp", "model.prior.num_components=5"),
    "half": ("trainer.precision=bf16-mixed",),
}


def is_compiled(module):
    compiled = module.steps._compiled
    return compiled is not None and compiled.ran and module.steps._wanted


@pytest.mark.parametrize("case", ["everything"])
def test_compiled_equals_eager(settings, case):
    eager, compiled = both(settings, *CASES[case])
    assert is_compiled(compiled[0])
    compare(eager, compiled)


@pytest.mark.slow
@pytest.mark.parametrize("case", [case for case in CASES if case not in ("everything", "half")])
def test_compiled_equals_eager_in_every_setting(settings, case):
    eager, compiled = both(settings, *CASES[case])
    assert is_compiled(compiled[0])
    compare(eager, compiled)


@pytest.mark.slow
def test_compiled_in_bfloat16_is_near_eager(settings):
    (module, trainer), (other, others) = both(settings, *CASES["half"], "trainer.max_epochs=5")
    assert is_compiled(other)
    nelbo = f"val/{module.objective}"
    assert others.callback_metrics[nelbo].item() == pytest.approx(trainer.callback_metrics[nelbo].item(), abs=0.3)


class SpoilBatches(pl.Callback):
    """Puts a nan into some batches."""

    def on_train_batch_start(self, trainer, module, batch, batch_idx):
        if trainer.global_step in (2, 5):
            batch["x"][0, 0, 0, 0] = math.nan


@pytest.mark.slow
def test_the_guard_is_part_of_the_graph(settings):
    eager, compiled = both(settings, "callbacks.ema.decay=0.9", callbacks=lambda: (SpoilBatches(),))
    assert is_compiled(compiled[0])
    compare(eager, compiled)
    assert compiled[0]._guard.skipped() == eager[0]._guard.skipped() == 2


@pytest.mark.slow
def test_runs_that_differ_in_numbers_are_compiled_once(settings):
    import torch._dynamo
    from torch._dynamo.utils import counters

    torch._dynamo.reset()
    counters.clear()
    for beta, lr in ((1.0, 0.001), (4.0, 0.001), (0.5, 0.01)):
        fit(settings(*RUN, "trainer.step=compiled", f"loss.beta={beta}", f"optimizer.lr={lr}"))
    assert counters["stats"]["unique_graphs"] == 1


def test_what_cannot_be_compiled_goes_on_eagerly_with_a_reason(settings, caplog):
    class Look(pl.Callback):
        def on_train_start(self, trainer, module):
            module.steps._objective.loss.forward = refuse_tracing(module.steps._objective.loss.forward)

    def refuse_tracing(forward):
        def wrapped(*args):
            if torch.compiler.is_compiling():
                torch._dynamo.graph_break()
            return forward(*args)

        return wrapped

    with caplog.at_level(logging.WARNING):
        module, trainer = fit(settings(*RUN, "trainer.step=compiled"), Look())
    assert trainer.global_step == 8
    assert not is_compiled(module)
    assert sum("cannot be compiled, and goes on eagerly" in record.message for record in caplog.records) == 1
    reference, _ = fit(settings(*RUN, "trainer.step=eager", folder="other"))
    torch.testing.assert_close(weights(module), weights(reference), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("eager", "compiled", "pays", "goes_on"),
    [(0.0, 0.0, False, False), (60.0, 50.0, True, True), (60.0, 70.0, True, False)],
)
def test_auto_compiles_where_what_is_left_pays_and_the_compiled_step_is_faster(
    monkeypatch, eager, compiled, pays, goes_on
):
    from types import SimpleNamespace

    from vae_exp.training import worth

    n = worth.MEASURED
    clock = itertools.accumulate([0.0] + n * [eager] + n * [compiled])
    monkeypatch.setattr(worth.time, "perf_counter", lambda: next(clock))
    decides = worth.Worth(SimpleNamespace(estimated_stepping_batches=1000, global_step=30))
    assert [decides.pays() for _ in range(2 * n + 3)] == n * [False] + n * [pays] + 3 * [goes_on]
