"""Whole models of codes: a true bound, the objective, what is refused, figures."""

import itertools

import pytest
import torch

from vae_exp.build import build_loss, build_model
from vae_exp.distributions.code_point import CodePoint
from vae_exp.errors import UserError
from vae_exp.losses.base import elbo_terms
from vae_exp.metrics.codebook import CodebookUse
from vae_exp.metrics.nll import ImportanceSampledNLL
from vae_exp.types import Context, DataSpec, Latent, VAEOutput

SPEC = DataSpec((1, 4, 4), "binary", 100)
VQ = ("model/posterior=vq", "model.posterior.categories=3", "model.posterior.code_dim=2", "loss=vq_vae")
FSQ = ("model/posterior=fsq", "model.posterior.levels=[3,4]")
AUTOREGRESSIVE = ("model/prior=autoregressive", "model.prior.width=8", "model.latent_dim=4")
UNIFORM = ("model/prior=uniform_codes", "model.latent_dim=4")


@pytest.fixture
def made(settings):
    def make(*overrides):
        chosen = settings(*overrides)
        model = build_model(chosen, SPEC)
        loss = build_loss(chosen, model)
        return model.double(), loss

    return make


def examples(count=6):
    return {"x": torch.rand(count, *SPEC.x_shape).round().double()}


@pytest.mark.parametrize("posterior", [VQ, FSQ])
@pytest.mark.parametrize("prior", [AUTOREGRESSIVE, UNIFORM])
def test_nelbo_is_a_bound_of_the_sum_over_all_codes(made, posterior, prior):
    model, _ = made(*posterior, *prior)
    model.eval()
    batch, head = examples(), model.posterior
    every = torch.tensor(list(itertools.product(range(head.categories), repeat=head.positions)))
    with torch.no_grad():
        z = head.vectors(every).double()
        joint = model.decode(z[:, None].expand(-1, 6, -1)).log_prob(batch["x"]) + model.p_z().log_prob(z)[:, None]
        nelbo = elbo_terms(model(batch), batch)["nelbo"]
        codes = model(batch).latents[0].q.codes
        number = (codes * torch.tensor([head.categories, 1])).sum(-1)
    torch.testing.assert_close(-nelbo[0], joint[number, torch.arange(6)])
    assert (-nelbo[0] < torch.logsumexp(joint, 0)).all()


def test_the_objective_by_hand_does_not_depend_on_the_batch_size(made):
    model, loss = made(*VQ, *UNIFORM, "loss.commitment=0.7")
    model.eval()
    batch = examples()
    values = []
    for x in (batch["x"], batch["x"].repeat(3, 1, 1, 1)):
        out = model({"x": x})
        values.append(loss(out, {"x": x}, Context(100, model)).loss)
    (q, _, z), out = model(batch).latents[0], model(batch)
    f = model.encoder(batch["x"])
    by_hand = elbo_terms(out, batch)["nelbo"].mean() + 0.7 * (f - z[0]).square().sum(-1).mean()
    torch.testing.assert_close(values[0], by_hand)
    torch.testing.assert_close(values[1], values[0])
    assert isinstance(q, CodePoint)


def test_commitment_draws_the_encoder_to_its_codes_and_nothing_else(made):
    model, loss = made(*VQ, *UNIFORM, "loss.commitment=1.0")
    model.eval()
    batch = examples()
    out = model(batch)
    apart = loss(out, batch, Context(100, model)).terms["commitment"].sum()
    f, z = out.latents[0].q.encoded, out.latents[0].z[0]
    torch.testing.assert_close(torch.autograd.grad(apart, f, retain_graph=True)[0], 2 * (f - z).detach())
    decoder = list(model.decoder.parameters())
    assert all(g is None for g in torch.autograd.grad(apart, decoder, allow_unused=True))


def test_the_priors_gradient_never_reaches_encoder_or_decoder(made):
    model, _ = made(*VQ, *AUTOREGRESSIVE)
    batch = examples()
    elbo_terms(model(batch), batch)["rate"].sum().backward()
    moved = {name.split(".")[0] for name, weight in model.named_parameters() if weight.grad is not None}
    assert moved == {"prior"}


@pytest.mark.parametrize("loss", ["iwae", "beta_tcvae", "factor_vae", "dip_vae_i", "wae_mmd", "stl", "rae"])
def test_losses_of_continuous_densities_refuse_codes(made, loss):
    with pytest.raises(UserError, match=r"^loss: \w+ needs .+") as error:
        made(*FSQ, *UNIFORM, f"loss={loss}")
    assert "\n" not in str(error.value)


def test_the_objective_of_codes_refuses_what_is_none(made):
    with pytest.raises(UserError, match="VQVAE needs a posterior of codes, which model/posterior=vq is"):
        made("loss=vq_vae")
    with pytest.raises(UserError, match="choose model/posterior and model/prior alike"):
        made(*FSQ, "model.latent_dim=4")


def test_no_likelihood_by_importance_sampling_of_a_point(made):
    model, _ = made(*FSQ, *UNIFORM)
    metric = ImportanceSampledNLL(stages=["test"], num_samples=2, rows=100)
    assert metric.scores(examples(), None, model) == {}


def test_use_of_a_codebook_over_batches_by_hand(made):
    model, _ = made(*VQ, *UNIFORM)
    metric = CodebookUse(stages=["test"])
    assert metric.compute() == {}
    for codes in ([[0, 0], [0, 2]], [[2, 0]]):
        point = torch.zeros(len(codes), 4)
        q = CodePoint(torch.tensor(codes), point, point)
        metric.update({}, VAEOutput((Latent(q, None, None),), None), model)
    found = metric.compute()
    assert float(found["codebook_usage"]) == pytest.approx(2 / 3)
    assert float(found["codebook_perplexity"]) == pytest.approx((3 / 2) ** (4 / 6) * 3 ** (2 / 6))
