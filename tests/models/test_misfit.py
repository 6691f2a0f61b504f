"""A posterior and a prior that do not go together are refused before training."""

import pytest
import torch
from torch.distributions import Independent, Normal

from vae_exp.build import build_loss, build_model
from vae_exp.errors import UserError
from vae_exp.models.misfit import refuse_misfit
from vae_exp.types import DataSpec

SPEC = DataSpec((1, 8, 8), "binary", 100)
CATEGORIES = ("model/posterior=gumbel_softmax", "model/prior=uniform_categorical", "model.latent_dim=8")


def loss_of(chosen):
    return build_loss(chosen, build_model(chosen, SPEC))


@pytest.mark.parametrize("posterior", ["planar", "sylvester"])
@pytest.mark.parametrize("loss", ["elbo", "ae"])  # one of which needs no rate, but evaluation does
def test_a_mixture_of_posteriors_without_an_inverse_is_refused(settings, posterior, loss):
    chosen = settings(f"model/posterior={posterior}", "model/prior=vamp", f"loss={loss}")
    with pytest.raises(UserError, match=f"model/posterior={posterior} knows the density of its own latest samples"):
        loss_of(chosen)


def test_other_categories_than_the_posteriors_are_refused(settings):
    with pytest.raises(UserError, match=r"model\.posterior\.categories=4 and model\.prior\.categories=2"):
        loss_of(settings(*CATEGORIES, "model.posterior.categories=4", "model.prior.categories=2"))
    loss_of(settings(*CATEGORIES, "model.posterior.categories=4"))


def test_pairs_whose_shapes_do_not_fit_are_refused_in_a_sentence():
    q = Independent(Normal(torch.zeros(2, 3), 1.0), 1)
    refuse_misfit(q, Independent(Normal(torch.zeros(3), 1.0), 1))
    for p in (Independent(Normal(torch.zeros(4), 1.0), 1), Normal(torch.zeros(3), 1.0)):
        with pytest.raises(UserError, match="model/posterior and model/prior do not go together"):
            refuse_misfit(q, p)


def test_looking_does_not_move_the_random_state(settings):
    chosen = settings("model/posterior=iaf", "model.posterior.hidden=[8]", "model/prior=flow", "model.prior.hidden=[8]")
    model = build_model(chosen, SPEC)
    before = torch.get_rng_state()
    build_loss(chosen, model)
    assert torch.equal(torch.get_rng_state(), before)
