"""A step whose gradient is nan leaves no trace, and too many of them end the run."""

import copy
import math
from functools import partial

import pytest
import pytorch_lightning as pl
import torch

from vae_exp.errors import UserError
from vae_exp.training.guard import MOST_UNCOUNTED, Guard

from .making import SHORT, fit, same, weights

OPTIMIZERS = {
    "adam": partial(torch.optim.Adam, lr=0.1, fused=True),
    "adamw": partial(torch.optim.AdamW, lr=0.1, weight_decay=0.5, fused=True),
    "adam_unfused": partial(torch.optim.Adam, lr=0.1, weight_decay=0.5),
    "adamax": partial(torch.optim.Adamax, lr=0.1),
    "sgd": partial(torch.optim.SGD, lr=0.1, momentum=0.9, nesterov=True, fused=True),
    "sgd_unfused": partial(torch.optim.SGD, lr=0.1, momentum=0.9, nesterov=True),
}
by_optimizer = pytest.mark.parametrize("name", OPTIMIZERS)


class Toy:
    """Two weights, an optimizer and its guard."""

    def __init__(self, make, max_skipped_steps=100):
        self.parameters = [torch.nn.Parameter(torch.tensor([1.0, -2.0])), torch.nn.Parameter(torch.tensor([3.0]))]
        self.optimizer = make(self.parameters)
        self.guard = Guard(max_skipped_steps=max_skipped_steps, skip_above=None)

    def step(self, bad=None):
        for parameter in self.parameters:
            parameter.grad = 2 * parameter.detach() + 1
        if bad is not None:
            self.parameters[0].grad[1] = bad
        norm = torch.nn.utils.get_total_norm([parameter.grad for parameter in self.parameters])
        self.guard.watch(self.optimizer, norm[None])
        self.optimizer.step()

    def everything(self):
        state = self.optimizer.state_dict()["state"]
        tensors = {(k, name): value for k, values in state.items() for name, value in values.items()}
        return copy.deepcopy(tensors | dict(enumerate(p.detach() for p in self.parameters)))


@by_optimizer
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_bad_step_leaves_weights_and_state_alone(name, bad):
    toy = Toy(OPTIMIZERS[name])
    toy.step()
    before = toy.everything()
    toy.step(bad)
    after = toy.everything()
    assert before.keys() == after.keys()
    for key, value in before.items():
        assert torch.equal(value, after[key]), key
    assert toy.guard.skipped() == 1


@by_optimizer
def test_steps_after_a_bad_one_are_as_if_it_had_not_been(name):
    toy, undisturbed = Toy(OPTIMIZERS[name]), Toy(OPTIMIZERS[name])
    for bad in (None, math.nan, None, math.nan, math.nan, None):
        toy.step(bad)
        if bad is None:
            undisturbed.step()
    for mine, theirs in zip(toy.parameters, undisturbed.parameters, strict=True):
        assert torch.equal(mine, theirs)
    assert toy.guard.skipped() == 3


@by_optimizer
def test_a_bad_first_step_is_as_if_it_had_not_been(name):
    toy, undisturbed = Toy(OPTIMIZERS[name]), Toy(OPTIMIZERS[name])
    torch.use_deterministic_algorithms(True)  # fills uninitialised memory with nan, so that its use is seen
    try:
        toy.step(math.nan)
        toy.step()
    finally:
        torch.use_deterministic_algorithms(False)
    undisturbed.step()
    for mine, theirs in zip(toy.parameters, undisturbed.parameters, strict=True):
        assert torch.equal(mine, theirs)


@by_optimizer
def test_the_limit_in_a_row_ends_the_run(name):
    toy = Toy(OPTIMIZERS[name], max_skipped_steps=3)
    for bad in (None, math.nan, math.inf, None, math.nan, math.nan, None):  # a good step begins the count anew
        toy.step(bad)
        toy.guard.skipped()
    for _ in range(3):
        toy.step(math.nan)
    toy.step()  # the end is noticed even where the logs look later
    with pytest.raises(
        UserError,
        match=r"skip_above 3 steps in a row \(training\.max_skipped_steps=3\); a small",
    ):
        toy.guard.skipped()


def test_steps_are_counted_however_seldom_anybody_looks():
    guard = Guard(max_skipped_steps=100, skip_above=None)
    refused = [step % 50 == 7 for step in range(MOST_UNCOUNTED - 9)] + [True] * 99  # of which 9 come before a counting
    for one in refused:
        guard.note(torch.tensor(one))
    assert guard.skipped() == sum(refused)
    guard.note(torch.tensor(True))
    with pytest.raises(UserError, match="100 steps in a row"):
        guard.skipped()


class Spoil(pl.Callback):
    """Puts a nan into the gradient of some steps, and notes the weights after every step."""

    def __init__(self, *steps):
        self.steps, self.seen = steps, []

    def on_before_optimizer_step(self, trainer, module, optimizer):
        if len(self.seen) in self.steps:
            next(iter(module.model.parameters())).grad.view(-1)[0] = math.nan

    def on_train_batch_end(self, trainer, module, *_):
        self.seen.append(weights(module))


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "adamax", "sgd"])
@pytest.mark.parametrize("clip", ["null", "1.0"])
def test_training_passes_over_a_bad_step(settings, optimizer, clip):
    spoil = Spoil(2, 3)
    chosen = settings(*SHORT, f"optimizer={optimizer}", f"trainer.gradient_clip_val={clip}")
    _, trainer = fit(chosen, spoil)
    assert [same(a, b) for a, b in zip(spoil.seen, spoil.seen[1:], strict=False)] == [False, True, True, False, False]
    assert trainer.global_step == 6
    assert all(torch.isfinite(weight).all() for weight in spoil.seen[-1].values())


def test_training_ends_with_one_sentence_when_nothing_helps(settings):
    with pytest.raises(UserError, match="4 steps in a row"):
        fit(settings(*SHORT, "training.max_skipped_steps=4", "trainer.log_every_n_steps=1"), Spoil(*range(1, 6)))
