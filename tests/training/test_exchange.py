"""Several processes end up with the mean of their gradients, here as threads that share memory."""

from concurrent.futures import ThreadPoolExecutor
from subprocess import Popen

import pytest
import torch
from torch import nn

from vae_exp.training import exchange
from vae_exp.training.exchange import Exchange, size_of


def network():
    parts = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Linear(4, 5), nn.Linear(5, 1, bias=False))
    return list(parts.to(memory_format=torch.channels_last).parameters())


def exchanges(processes, pids=None):
    weights = [network() for _ in range(processes)]
    memory = torch.zeros(size_of(weights[0], processes), dtype=torch.uint8)
    pids = pids or [0] * processes
    return weights, [Exchange(own, memory, rank, pids) for rank, own in enumerate(weights)]


def taken(weights, exchanges, grads):
    """The gradients after an exchange of those given, [processes][weights]."""
    for own, given in zip(weights, grads, strict=True):
        for weight, grad in zip(own, given, strict=True):
            weight.grad = grad
    with ThreadPoolExecutor(len(weights)) as pool:
        list(pool.map(lambda each: each(), exchanges))
    return [[weight.grad for weight in own] for own in weights]


@pytest.mark.parametrize("processes", [2, 3])
def test_all_get_the_same_mean_at_every_step(processes):
    weights, each = exchanges(processes)
    for _ in range(5):
        grads = [[torch.randn_like(weight) for weight in own] for own in weights]
        found = taken(weights, each, grads)
        for number, weight in enumerate(weights[0]):
            mean = torch.stack([given[number] for given in grads]).mean(0)
            for own in found:
                torch.testing.assert_close(own[number], mean)
                assert torch.equal(own[number], found[0][number])
                assert own[number].stride() == weight.stride()


def test_a_weight_without_a_gradient_has_one_of_0_unless_no_process_has_one():
    weights, each = exchanges(2)
    grads = [[torch.ones_like(weight) for weight in own] for own in weights]
    grads[0][0] = None
    grads[0][1] = grads[1][1] = None
    for own in taken(weights, each, grads):
        torch.testing.assert_close(own[0], torch.full_like(own[0], 0.5))
        assert own[1] is None
        torch.testing.assert_close(own[2], torch.ones_like(own[2]))


def test_who_waits_for_a_process_that_has_ended_hears_of_it(monkeypatch):
    monkeypatch.setattr(exchange, "YIELDS", 1)
    monkeypatch.setattr(exchange, "NAPS", 1)
    ended = Popen(["true"])
    ended.wait()
    _, (first, _) = exchanges(2, pids=[0, ended.pid])
    with pytest.raises(RuntimeError, match="process 1 of 2 has ended"):
        first()


def test_there_is_no_memory_where_none_can_be_had(monkeypatch, tmp_path):
    monkeypatch.setattr(exchange, "FOLDER", tmp_path / "nowhere")
    assert exchange._reserved(100) is None
    monkeypatch.setattr(exchange, "FOLDER", tmp_path)
    assert exchange._reserved(2**60) is None
    assert not any(tmp_path.iterdir())
    assert exchange._reserved(100).stat().st_size == 100
