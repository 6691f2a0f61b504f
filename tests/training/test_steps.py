"""What one optimizer step is made of: clipped gradients, a learning rate of its own, accumulated batches."""

import copy
import math

import pytest
import pytorch_lightning as pl
import torch

from vae_exp.types import Context

from .making import SHORT, fit, gradients, same, weights


class Gradients(pl.Callback):
    """Gradients as they come from the loss, and as they are when the optimizer steps; its learning rates."""

    def __init__(self):
        self.raw, self.used, self.rates = [], [], []

    def on_before_optimizer_step(self, trainer, module, optimizer):
        self.raw.append(gradients(module))

    def on_train_batch_end(self, trainer, module, *_):
        self.used.append(gradients(module))
        self.rates.append([group["lr"] for group in trainer.optimizers[0].param_groups])


@pytest.mark.parametrize("bound", [0.5, 5.0, 1e6])
@pytest.mark.parametrize("optimizer", ["adam", "adamax"])
def test_clipping_by_norm_is_that_of_torch(settings, bound, optimizer):
    seen = Gradients()
    fit(settings(*SHORT, f"optimizer={optimizer}", f"trainer.gradient_clip_val={bound}"), seen)
    for raw, used in zip(seen.raw, seen.used, strict=True):
        parameters = [torch.nn.Parameter(g) for g in raw.values()]
        for parameter, grad in zip(parameters, raw.values(), strict=True):
            parameter.grad = grad.clone()
        norm = torch.nn.utils.clip_grad_norm_(parameters, bound)
        clipped = {name: parameter.grad for name, parameter in zip(raw, parameters, strict=True)}
        torch.testing.assert_close(used, clipped, rtol=1e-6, atol=0)
        if bound == 0.5:
            assert norm > bound
            assert math.hypot(*(g.norm().item() for g in used.values())) == pytest.approx(bound, rel=1e-4)


class OwnNetwork(pl.Callback):
    """Norms of the gradients of the model and of the loss's own network, before and after clipping; spoils one."""

    def __init__(self, spoilt=None):
        self.spoilt, self.raw, self.used, self.logged, self.weights = spoilt, [], [], [], []

    def norms(self, module):
        grads = ([p.grad for p in part.parameters()] for part in (module.model, module.loss))
        return [math.hypot(*(g.norm().item() for g in of_part)) for of_part in grads]

    def on_before_optimizer_step(self, trainer, module, optimizer):
        if len(self.raw) == self.spoilt:
            next(module.loss.parameters()).grad.view(-1)[0] = math.nan
        self.raw.append(self.norms(module))

    def on_train_batch_end(self, trainer, module, *_):
        self.used.append(self.norms(module))
        self.logged.append(module.steps.norm.item())
        self.weights.append(weights(module))


OWN = ("loss=factor_vae", "loss.discriminator.hidden=[8]", "loss.gamma=50", "trainer.gradient_clip_val=0.02")


def test_a_losss_own_network_is_clipped_by_itself(settings):
    seen = OwnNetwork()
    fit(settings(*SHORT, *OWN), seen)
    for raw, used, logged in zip(seen.raw, seen.used, seen.logged, strict=True):
        assert raw[0] > 1  # the model's is long, the discriminator's short
        assert used == pytest.approx([min(norm, 0.02) for norm in raw], rel=1e-3)
        assert logged == pytest.approx(raw[0], rel=1e-5)
    assert any(raw[1] > 0.02 for raw in seen.raw)


def test_a_bad_gradient_of_a_losss_own_network_skips_the_step(settings):
    seen = OwnNetwork(spoilt=2)
    fit(settings(*SHORT, *OWN), seen)
    assert [same(a, b) for a, b in zip(seen.weights, seen.weights[1:], strict=False)] == [
        False,
        True,
        False,
        False,
        False,
    ]


def test_clipping_by_value_bounds_each_entry(settings):
    seen = Gradients()
    fit(settings(*SHORT, "trainer.gradient_clip_val=0.01", "trainer.gradient_clip_algorithm=value"), seen)
    for raw, used in zip(seen.raw, seen.used, strict=True):
        assert same(used, {name: g.clamp(-0.01, 0.01) for name, g in raw.items()})


def test_without_clipping_gradients_are_left_alone(settings):
    seen = Gradients()
    fit(settings(*SHORT), seen)
    assert all(same(raw, used) for raw, used in zip(seen.raw, seen.used, strict=True))


def test_cosine_schedule_reaches_the_optimizer(settings):
    seen = Gradients()
    overrides = ("lr_schedule=cosine", "lr_schedule.warmup=2", "lr_schedule.final=0.1", "optimizer.lr=0.01")
    fit(settings(*SHORT, "trainer.max_epochs=2", *overrides), seen)
    cosine = [0.1 + 0.9 * (1 + math.cos(math.pi * (k - 2) / (12 - 2))) / 2 for k in range(2, 12)]
    assert [rate for (rate,) in seen.rates] == pytest.approx([0.01 * f for f in (1 / 3, 2 / 3, *cosine)])


def test_learning_rate_follows_optimizer_steps_while_gradients_accumulate(settings):
    seen = Gradients()
    overrides = ("lr_schedule.final=0.0", "optimizer.lr=0.01", "trainer.accumulate_grad_batches=2")
    fit(settings(*SHORT, *overrides), seen)
    by_step = [0.005 * (1 + math.cos(math.pi * k / 3)) for k in range(3)]
    assert [rate for (rate,) in seen.rates] == pytest.approx([rate for rate in by_step for _ in range(2)])


def test_schedule_in_epochs_counts_fractions_of_them(settings):
    seen = []

    class Read(pl.Callback):
        def on_train_batch_end(self, trainer, module, *_):
            seen.append(module.loss.weights()["beta"].item())

    chosen = settings(*SHORT, "trainer.max_epochs=2", "loss/schedule=linear", "loss.schedule.duration=1", "loss.beta=3")
    fit(chosen, Read())
    assert seen == pytest.approx([3 * k / 6 for k in range(6)] + [3.0] * 6)


class Recompute(pl.Callback):
    """Computes the gradient of every batch again, apart from the training loop."""

    def __init__(self):
        self.alone, self.stepped, self.sizes = [], [], []

    def on_train_batch_start(self, trainer, module, batch, batch_idx):
        state = torch.get_rng_state()
        model, loss = copy.deepcopy(module.model), copy.deepcopy(module.loss)
        result = loss(model(batch, loss.num_samples), batch, Context(1, model))
        names, parameters = zip(*model.named_parameters(), strict=True)
        grads = torch.autograd.grad(result.loss, parameters)
        self.alone.append(dict(zip(names, grads, strict=True)))
        self.sizes.append(len(batch["x"]))
        torch.set_rng_state(state)

    def on_before_optimizer_step(self, trainer, module, optimizer):
        self.stepped.append(gradients(module))


@pytest.mark.parametrize("accumulate", [1, 2, 3, 4])
def test_a_step_uses_the_mean_gradient_of_its_examples(settings, accumulate):
    seen = Recompute()
    whole_epoch = ("trainer.limit_train_batches=1.0", "data.batch_size=300")  # 1437 examples, the last batch of 237
    _, trainer = fit(settings(*SHORT, *whole_epoch, f"trainer.accumulate_grad_batches={accumulate}"), seen)
    assert seen.sizes == [300, 300, 300, 300, 237]
    assert trainer.global_step == len(seen.stepped) == math.ceil(5 / accumulate)
    for k, stepped in enumerate(seen.stepped):
        step = range(k * accumulate, min((k + 1) * accumulate, 5))
        total = sum(seen.sizes[i] for i in step)
        mean = {name: sum(seen.alone[i][name] * (seen.sizes[i] / total) for i in step) for name in stepped}
        torch.testing.assert_close(stepped, mean, rtol=1e-4, atol=1e-6)


def test_same_seed_same_numbers(settings):
    first, _ = fit(settings(*SHORT, "data.binarize=dynamic", folder="a"))
    again, _ = fit(settings(*SHORT, "data.binarize=dynamic", folder="b"))
    other, _ = fit(settings(*SHORT, "data.binarize=dynamic", "seed=1", folder="c"))
    assert same(weights(first), weights(again))
    assert not same(weights(first), weights(other))


@pytest.mark.parametrize("binarize", ["none", "dynamic"])
def test_validation_does_not_change_the_training(settings, binarize):
    overrides = (*SHORT, f"data.binarize={binarize}", "trainer.max_epochs=3")
    with_it, _ = fit(settings(*overrides, folder="a"))
    without, _ = fit(settings(*overrides, "trainer.limit_val_batches=0", folder="b"))
    assert same(weights(with_it), weights(without))


@pytest.mark.parametrize("binarize", ["none", "dynamic"])
def test_evaluation_draws_the_same_noise_every_time(settings, binarize):
    module, trainer = fit(settings(*SHORT, f"data.binarize={binarize}"))
    torch.manual_seed(123)
    (first,) = trainer.validate(module, datamodule=trainer.datamodule, verbose=False)
    torch.manual_seed(456)
    (second,) = trainer.validate(module, datamodule=trainer.datamodule, verbose=False)
    assert first == second


@pytest.mark.parametrize(
    ("overrides", "suffix"),
    [
        (("data.binarize=none",), "_bce"),
        (("data.binarize=threshold",), ""),
        (("data.binarize=none", "model/likelihood=gaussian"), ""),
        (("data.binarize=none", "model/likelihood=discretized_logistic"), ""),
    ],
)
def test_figures_bear_the_name_of_what_they_are(settings, overrides, suffix):
    module, trainer = fit(settings(*SHORT, *overrides))
    (tested,) = trainer.test(module, datamodule=trainer.datamodule, verbose=False)
    scores = {f"{name}{suffix}{se}" for name in ("nelbo", "distortion", "nll") for se in ("", "/se")}
    rest = {"rate", "rate/se", "mse", "mse/se", "active_units"}
    masses = {"bits_per_dim", "bits_per_dim/se"} if module.model.likelihood.discrete and not suffix else set()
    assert {name.removeprefix("test/") for name in tested} == scores | rest | masses
    assert module.named("nelbo") == f"nelbo{suffix}"
    assert module.named("rate") == "rate"
    assert tested[f"test/nelbo{suffix}"] == pytest.approx(
        tested[f"test/distortion{suffix}"] + tested["test/rate"], rel=1e-5
    )
    assert tested[f"test/nll{suffix}"] <= tested[f"test/nelbo{suffix}"] + 3 * tested[f"test/nelbo{suffix}/se"]
    assert module.vectors["test/kl_per_dim"].sum().item() == pytest.approx(tested["test/rate"], rel=1e-4)


def test_evaluation_is_at_beta_one_whatever_the_loss_weighs(settings):
    frozen = ("optimizer=sgd", "optimizer.lr=0")
    figures = []
    for folder, beta in (("a", 0.0), ("b", 9.0)):
        _, trainer = fit(settings(*SHORT, *frozen, f"loss.beta={beta}", folder=folder))
        figures.append({name: value.item() for name, value in trainer.callback_metrics.items()})
    assert figures[0] == figures[1]
