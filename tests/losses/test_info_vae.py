"""InfoVAE between its special cases."""

import pytest
import torch
from torch import nn
from torch.distributions import Independent, Normal

from vae_exp.distributions.mmd import RBF
from vae_exp.losses.info_vae import InfoVAE
from vae_exp.losses.wae_mmd import WAEMMD
from vae_exp.types import Context, Latent, VAEOutput

B, D = 6, 3
KERNEL = RBF(variance=1.0, scales=(1.0,))


def result(loss):
    torch.manual_seed(1)
    mu, sigma = torch.randn(B, D).double(), 0.5 + torch.rand(B, D).double()
    q, p = Independent(Normal(mu, sigma), 1), Independent(Normal(torch.zeros(D).double(), 1.0), 1)
    z = q.sample((1,))
    out = VAEOutput((Latent(q, p, z),), Independent(Normal(z.mean(-1)[..., None, None, None], 0.5), 3))
    return loss(out, {"x": torch.zeros(B, 1, 1, 1).double()}, Context(100, nn.Module()))


def info_vae(alpha, divergence_weight):
    return result(InfoVAE(alpha=alpha, divergence_weight=divergence_weight, kernel=KERNEL))


def test_alpha_zero_and_unit_weight_are_the_negative_elbo():
    found = info_vae(0.0, 1.0)
    torch.testing.assert_close(found.loss, found.terms["nelbo"].mean())


def test_alpha_one_is_the_autoencoder_with_a_discrepancy():
    torch.testing.assert_close(info_vae(1.0, 50.0).loss, result(WAEMMD(mmd_weight=50.0, kernel=KERNEL)).loss)


@pytest.mark.parametrize("alpha", [-2.0, 0.3])
def test_weights_of_its_terms(alpha):
    found = info_vae(alpha, 9.0)
    t = found.terms
    by_hand = t["distortion"].mean() + (1 - alpha) * t["rate"].mean() + (alpha + 9 - 1) * t["mmd"]
    torch.testing.assert_close(found.loss, by_hand)


def test_a_reward_for_distance_is_refused():
    with pytest.raises(ValueError, match="divergence_weight=3 or more"):
        InfoVAE(alpha=-2.0, divergence_weight=1.0, kernel=KERNEL)
