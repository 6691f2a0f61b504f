"""The short step of Adam is torch's own, bit by bit."""

import copy
import math

import pytest
import torch

from vae_exp.training.adam import FusedStep, can_be_short, groups_of
from vae_exp.training.guard import Guard

KINDS = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
STEPS = 12


def trained(make, *, short):
    """Weights and state after some steps, among them all that is out of the ordinary."""
    torch.manual_seed(0)
    model = torch.nn.ModuleList([torch.nn.Linear(5, 3), torch.nn.Linear(3, 4), torch.nn.Linear(4, 2)])
    groups = [{"params": list(model[:2].parameters())}, {"params": list(model[2].parameters()), "weight_decay": 0.3}]
    optimizer, guard = make(groups), Guard(max_skipped_steps=100, skip_above=None)
    move = FusedStep(optimizer) if short else optimizer.step
    for step in range(STEPS):
        optimizer.zero_grad()
        layers = model[:1] if step == 5 else model[:2] if step < 3 else model  # the last layer begins to learn late
        sum(layer(torch.randn(6, layer.in_features)).square().mean() for layer in layers).backward()
        if step in (0, 4, 7):
            model[0].weight.grad[1, 2] = math.nan
        for group in optimizer.param_groups:
            group["lr"], group["weight_decay"] = 0.1 / (1 + step), group["weight_decay"] + 0.01 * (step == 9)
        if step == 8:
            optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
        guard.watch(optimizer, torch.stack([p.grad.norm() for p in model.parameters() if p.grad is not None]))
        move()
    return copy.deepcopy((list(model.parameters()), optimizer.state_dict()["state"]))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_it_is_the_optimizers_own_step(kind, decay):
    def make(groups):
        return KINDS[kind](groups, lr=0.1, betas=(0.8, 0.9), eps=1e-3, weight_decay=decay, fused=True)

    (weights, state), (others, theirs) = trained(make, short=True), trained(make, short=False)
    assert all(map(torch.equal, weights, others))
    torch.testing.assert_close(state, theirs, rtol=0, atol=0)
    assert all(weight.isfinite().all() for weight in weights)


def test_all_who_move_a_weight_count_its_steps_together():
    early, late = (torch.nn.Parameter(torch.zeros(3)) for _ in range(2))
    optimizer = torch.optim.Adam([late, early], fused=True)
    early.grad = torch.ones(3)
    optimizer.step()
    (before,) = groups_of(optimizer)
    late.grad = torch.ones(3)
    optimizer.step()
    (after,) = groups_of(optimizer)
    before.fused_step([early.grad], torch.zeros(()), optimizer.param_groups[0])
    after.fused_step([late.grad, early.grad], torch.zeros(()), optimizer.param_groups[0])
    after.fused_step([late.grad, early.grad], torch.ones(()), optimizer.param_groups[0])  # which is skipped
    assert optimizer.state[early]["step"] == 4


def test_an_optimizer_that_somebody_listens_to_keeps_its_own_step():
    weight = torch.nn.Parameter(torch.zeros(3))
    optimizer = torch.optim.Adam([weight], fused=True)
    assert can_be_short(optimizer)
    assert not can_be_short(torch.optim.Adam([weight]))
    assert not can_be_short(torch.optim.Adam([weight], fused=True, amsgrad=True))
    assert not can_be_short(torch.optim.SGD([weight], lr=0.1, fused=True))
    optimizer.register_step_post_hook(lambda *_: None)
    assert not can_be_short(optimizer)
