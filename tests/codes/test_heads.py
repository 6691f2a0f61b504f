"""Posteriors of codes: which code, which vector, which gradient."""

import math

import pytest
import torch

from vae_exp.heads.code_gradients import rotation, straight_through
from vae_exp.heads.posteriors.fsq import FiniteScalarQuantised

from .making import LEVELS, fsq, vq

HEADS = {"vq": vq, "fsq": fsq}
every_head = pytest.mark.parametrize("name", HEADS)


def params(head, count=50, spread=2.0):
    return spread * torch.randn(count, *head.params_shape, dtype=torch.float64)


@every_head
def test_quantising_what_is_quantised_changes_nothing(name):
    head = HEADS[name]().eval()
    q = head(params(head))
    torch.testing.assert_close(head.vectors(q.codes).double(), q.value, rtol=0, atol=1e-6)
    assert head.codes(q.value).equal(q.codes)
    every = torch.arange(head.categories)
    assert head.nearest(head.lookup(every).double()).equal(every)


@every_head
def test_each_position_is_coded_by_itself(name):
    head = HEADS[name]().eval()
    one, other = params(head, 1), params(head, 1)
    mixed = head.by_position(one).clone()
    mixed[:, 1] = head.by_position(other)[:, 1]
    q = head(head.flat(mixed))
    assert q.codes[0].tolist() == [head(one).codes[0, 0].item(), head(other).codes[0, 1].item()]
    assert head.flat(head.by_position(one)).equal(one)


def test_vq_takes_the_nearest_vector_of_all():
    head = vq().eval()
    q = head(params(head))
    v, book = head.by_position(q.encoded), head.codebook.vectors
    for b in range(len(v)):
        for i in range(head.positions):
            distances = [float((v[b, i] - e).square().sum()) for e in book]
            assert q.codes[b, i] == distances.index(min(distances))


def test_fsq_takes_the_nearest_of_all_its_vectors_and_reaches_each():
    head = fsq(positions=1).eval()
    q = head(params(head, 3000))
    every = head.lookup(torch.arange(head.categories)).double()
    # Distances in units of the levels, as rounding knows them.
    apart = torch.cdist(q.encoded * head.middle, every * head.middle)
    assert apart.argmin(-1).equal(q.codes[:, 0])
    assert set(q.codes[:, 0].tolist()) == set(range(math.prod(LEVELS)))
    for column, levels in zip(every.T, LEVELS, strict=True):
        assert len(column.unique()) == levels
        assert column.abs().max() <= 1
    assert not head(torch.zeros(1, 3)).value.any()


def test_straight_through_hands_on_the_gradient():
    v, chosen = torch.randn(5, 3, requires_grad=True), torch.randn(5, 3)
    out = straight_through(v, chosen)
    assert out.equal(chosen)
    given = torch.randn(5, 3)
    assert torch.autograd.grad(out, v, given)[0].equal(given)


def test_gradient_of_rounding_is_that_of_the_bound():
    head, at = fsq(positions=1), params(fsq(positions=1), 1)[0]
    jacobian = torch.autograd.functional.jacobian(lambda p: head(p).value, at)
    step = 1e-6
    moved = [(head(at + step * e).encoded - head(at - step * e).encoded) / (2 * step) for e in torch.eye(3).double()]
    torch.testing.assert_close(jacobian, torch.stack(moved, 1), rtol=1e-6, atol=1e-8)


def test_gradient_of_the_rotation_trick_is_its_definition():
    for v, e in torch.randn(10, 2, 4, dtype=torch.float64):
        a, b = v / v.norm(), e / e.norm()
        r = (a + b) / (a + b).norm()
        turn = torch.eye(4).double() - 2 * torch.outer(r, r) + 2 * torch.outer(b, a)
        torch.testing.assert_close(turn @ turn.T, torch.eye(4).double())
        torch.testing.assert_close(turn @ v * e.norm() / v.norm(), e)
        jacobian = torch.autograd.functional.jacobian(lambda at, e=e: rotation(at, e), v)
        torch.testing.assert_close(jacobian, turn * e.norm() / v.norm())
        assert rotation(v, e).equal(e)


@pytest.mark.parametrize(("v", "e"), [([0.0, 0.0], [1.0, 2.0]), ([1.0, 2.0], [0.0, 0.0]), ([1.0, 2.0], [-1.0, -2.0])])
def test_rotation_is_finite_where_there_is_no_angle(v, e):
    v, e = torch.tensor(v, requires_grad=True), torch.tensor(e)
    out = rotation(v, e)
    assert out.equal(e)
    assert torch.autograd.grad(out.sum(), v)[0].isfinite().all()


def test_a_latent_that_does_not_divide_into_codes_is_refused():
    with pytest.raises(ValueError, match=r"latent_dim=7 is no multiple of 3.*latent_dim=6"):
        FiniteScalarQuantised(event_shape=(7,), levels=LEVELS)
