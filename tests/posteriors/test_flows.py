"""Posteriors sent through a map."""

import io

import pytest
import torch
from torch.func import jacrev

from vae_exp.build import build_model
from vae_exp.errors import UserError
from vae_exp.heads.posteriors.iaf import IAF
from vae_exp.heads.posteriors.planar import Planar
from vae_exp.heads.posteriors.sylvester import Sylvester
from vae_exp.types import DataSpec

from .laws import bound_and_nll, grid, integral, within

BOUNDS = {"min_log_var": -14.0, "max_log_var": 14.0}
HEADS = {
    "iaf": lambda dim: IAF(event_shape=(dim,), transforms=3, hidden=[8], context_width=4, **BOUNDS).double(),
    "iaf_alone": lambda dim: IAF(event_shape=(dim,), transforms=2, hidden=[8], context_width=0, **BOUNDS).double(),
    "planar": lambda dim: Planar(event_shape=(dim,), transforms=3, **BOUNDS).double(),
    "sylvester": lambda dim: Sylvester(event_shape=(dim,), transforms=3, reflections=2, **BOUNDS).double(),
}
by_head = pytest.mark.parametrize("name", HEADS)


def drawn(name, dim, *batch):
    head = HEADS[name](dim)
    return head, 0.7 * torch.randn(*batch, *head.params_shape, dtype=torch.float64)


@by_head
@pytest.mark.parametrize("dim", [1, 4])
def test_log_determinant_is_that_of_the_jacobian_by_autograd(name, dim):
    head, params = drawn(name, dim)
    q = head(params)
    for z0 in torch.randn(6, dim, dtype=torch.float64):
        jacobian = jacrev(lambda z: q.forward(z)[0])(z0)
        torch.testing.assert_close(q.forward(z0)[1], jacobian.slogdet().logabsdet)


@by_head
def test_samples_have_the_density_of_the_change_of_variables(name):
    head, params = drawn(name, 3, 5)
    q = head(params)
    torch.manual_seed(1)
    z = q.rsample((4,))
    assert (q.batch_shape, q.event_shape, z.shape, q.log_prob(z).shape) == ((5,), (3,), (4, 5, 3), (4, 5))
    torch.manual_seed(1)
    z0 = q.base.rsample((4,))
    for k in range(4):
        for n in range(5):
            alone = head(params[n])
            jacobian = jacrev(lambda v, one=alone: one.forward(v)[0])(z0[k, n])
            by_hand = alone.base.log_prob(z0[k, n]) - jacobian.slogdet().logabsdet
            torch.testing.assert_close(q.log_prob(z)[k, n], by_hand)
            torch.testing.assert_close(alone.forward(z0[k, n])[0], z[k, n])


@pytest.mark.parametrize("name", ["iaf", "iaf_alone"])
def test_density_of_any_point_is_by_the_inverse(name):
    head, params = drawn(name, 3, 5)
    q = head(params)
    z = q.rsample((4,))
    torch.testing.assert_close(q.log_prob(z.clone()), q.log_prob(z))
    plane, values = drawn(name, 2)
    with torch.no_grad():
        assert integral(plane(values), 2, span=25.0, points=801) == pytest.approx(1, abs=5e-3)


by_one_way_head = pytest.mark.parametrize("name", ["planar", "sylvester"])


@by_one_way_head
def test_samples_integrate_against_their_own_density(name):
    # E_q[g(z) / q(z)] is the integral of g, here of a narrow Gaussian that q covers: 1.
    head, params = drawn(name, 2)
    q = head(0.3 * params)
    z = q.rsample((200_000,))
    narrow = torch.distributions.MultivariateNormal(z.detach().mean(0), 0.1 * torch.eye(2).double())
    assert within((narrow.log_prob(z) - q.log_prob(z)).exp().detach(), 1.0)


@by_one_way_head
def test_there_is_no_density_elsewhere(name):
    head, params = drawn(name, 3)
    q = head(params)
    with pytest.raises(UserError, match=f"model/posterior={name}"):
        q.log_prob(q.rsample().clone())


@by_one_way_head
def test_a_map_is_invertible_for_any_parameters(name):
    head = HEADS[name](1)
    line, _ = grid(1, span=20.0, points=20_001)
    for scale in (0.1, 1.0, 10.0):
        q = head(scale * torch.randn(*head.params_shape, dtype=torch.float64))
        z = q.forward(line)[0][:, 0]
        assert (z.diff() >= -1e-9).all() or (z.diff() <= 1e-9).all()


@by_head
def test_the_encoder_reaches_every_parameter(name):
    head, params = drawn(name, 3, 5)
    params.requires_grad_()
    q = head(params)
    z = q.rsample((2,))
    (grad,) = torch.autograd.grad(q.log_prob(z).sum() + z.square().sum(), params)
    assert (grad != 0).any(0).all()


@by_head
def test_a_saved_posterior_is_the_same_after_loading(name):
    head, params = drawn(name, 3, 5)
    buffer = io.BytesIO()
    torch.save(head.state_dict(), buffer)
    buffer.seek(0)
    other = HEADS[name](3)
    other.load_state_dict(torch.load(buffer, weights_only=True))
    z0 = torch.randn(5, 3, dtype=torch.float64)
    torch.testing.assert_close(other(params).forward(z0), head(params).forward(z0))


@pytest.mark.parametrize("name", ["iaf", "planar", "sylvester"])
def test_importance_sampling_finds_the_likelihood_of_plain_sampling(settings, name):
    chosen = settings(f"model/posterior={name}", "model.latent_dim=2")
    model = build_model(chosen, DataSpec((1, 8, 8), "binary", 10)).eval()
    batch = {"x": torch.rand(3, 1, 8, 8).round()}
    with torch.no_grad():
        bound, nll = bound_and_nll(model, batch, 20_000)
        z = model.prior(model.encode).sample((20_000, 3))
        plain = -(model.decode(z).log_prob(batch["x"]).logsumexp(0) - torch.tensor(20_000.0).log())
    assert (nll <= bound).all()
    torch.testing.assert_close(nll, plain, atol=0.1, rtol=0)


def test_a_sylvester_step_is_the_formula_with_an_orthogonal_matrix():
    dim, reflections = 4, 3
    head = Sylvester(event_shape=(dim,), transforms=1, reflections=reflections, **BOUNDS)
    params, z = torch.randn(*head.params_shape, dtype=torch.float64), torch.randn(7, dim, dtype=torch.float64)
    square, diagonal, b, v = params[2 * dim :].split([dim * dim, dim, dim, reflections * dim])
    square = square.reshape(dim, dim)
    q = torch.eye(dim, dtype=torch.float64)
    for normal in v.reshape(reflections, dim):
        q = q @ (torch.eye(dim) - 2 * torch.outer(normal, normal) / normal.square().sum())
    torch.testing.assert_close(q @ q.T, torch.eye(dim, dtype=torch.float64))
    r, s = torch.triu(square, 1), torch.triu(square.T, 1)
    r, s = r + torch.diag(square.diagonal().tanh()), s + torch.diag(diagonal.tanh())
    after, log_det = head(params).forward(z)
    torch.testing.assert_close(after, z + torch.tanh(z @ q @ s.T + b) @ r.T @ q.T)
    assert log_det.abs().max() > 0.01
