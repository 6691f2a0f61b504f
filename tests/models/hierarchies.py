"""Small hierarchical models."""

from functools import partial

import torch
from torch.distributions import MultivariateNormal

from vae_exp.heads.likelihoods.bernoulli import BernoulliLikelihood
from vae_exp.heads.likelihoods.gaussian import GaussianLikelihood
from vae_exp.models.ladder import Ladder
from vae_exp.models.vdvae import VDVAE
from vae_exp.types import DataSpec

SHAPE = (1, 2, 3)
PIXELS = 6
SIGMA, S, W = 0.3, 0.5, 0.8
"""Scale of x given z1, of z1 given z2, and of x's dependence on z1."""


def ladder(shape=(1, 8, 8), latent_dims=(4, 3, 2), log_var=(-14.0, 14.0), norm="none"):
    return Ladder(
        spec=DataSpec(shape, "binary", 100), latent_dims=latent_dims, hidden=[8] * len(latent_dims), depth=1,
        activation="SiLU", norm=norm, init="torch", min_log_var=log_var[0], max_log_var=log_var[1],
        likelihood=BernoulliLikelihood,
    ).double()  # fmt: skip


def vdvae(shape=(1, 8, 8), groups=(0, 1, 2), blocks=(0, 1, 1), log_var=(-14.0, 14.0)):
    return VDVAE(
        spec=DataSpec(shape, "binary", 100), latent_dim=2, groups=groups, blocks=blocks, width=6, bottleneck=4,
        activation="GELU", min_log_var=log_var[0], max_log_var=log_var[1], likelihood=BernoulliLikelihood,
    ).double()  # fmt: skip


@torch.no_grad()
def moved(model):
    """The same model away from where its weights begin, among them layers of zeros."""
    for weight in model.parameters():
        weight.add_(0.1 * torch.randn_like(weight))
    return model


def linear_ladder():
    """Two groups of two dimensions: z2 ~ N(0, 1), z1 ~ N(A z2 + b, S^2), x ~ N(W Q z1 + c, SIGMA^2), untrained q."""
    likelihood = partial(GaussianLikelihood, scale=SIGMA, learn_scale=False, min_log_scale=-6.0)
    model = Ladder(
        spec=DataSpec(SHAPE, "unit_interval", 100), latent_dims=[2, 2], hidden=[1, 1], depth=0, activation="ReLU",
        norm="none", init="torch", min_log_var=-14.0, max_log_var=14.0, likelihood=likelihood,
    ).double()  # fmt: skip
    top, low = model.rungs
    basis, _ = torch.linalg.qr(torch.randn(PIXELS, 2).double())
    with torch.no_grad():
        (to_data,), (prior,) = model.to_data.layers, low.prior.layers
        to_data.weight.copy_(W * basis)
        rotation, _ = torch.linalg.qr(torch.randn(2, 2).double())
        prior.weight.copy_(torch.cat((rotation * torch.tensor([1.5, 0.7]).double(), torch.zeros(2, 2).double())))
        prior.bias.copy_(torch.cat((torch.randn(2), torch.full((2,), S, dtype=torch.float64).square().log())))
        for rung in (top, low):
            rung.opinion.weight[2:] = 0
    return model


@torch.no_grad()
def solved_ladder(off=0.0):
    """The same with the exact posterior, its means moved by `off` standard deviations.

    u = Q'(x - c) / W is N(z1, t^2) with t = SIGMA / W, which is what x says of z1 by itself. Given z2 it is
    N(A z2 + b, S^2 + t^2), and the columns of A are orthogonal, so that the posterior of z2 divides:
    its precisions are 1 + a^2 / (S^2 + t^2), its means A'(u - b) / (S^2 + t^2) over these.
    """
    model = linear_ladder()
    top, low = model.rungs
    (to_data,), (prior,) = model.to_data.layers, low.prior.layers
    a, b = prior.weight[:2], prior.bias[:2]
    t2 = float(noise(model)) / W**2
    u_weight = to_data.weight.T / W**2
    u_bias = -u_weight @ to_data.bias
    low.opinion.weight[:2] = u_weight
    low.opinion.bias.copy_(torch.cat((u_bias + off * t2**0.5, torch.full((2,), t2, dtype=torch.float64).log())))
    precision = 1 + a.square().sum(0) / (S**2 + t2)
    to_mean = a.T / (S**2 + t2) / precision[:, None]
    top.opinion.weight[:2] = to_mean @ u_weight
    top.opinion.bias.copy_(torch.cat((to_mean @ (u_bias - b) + off * precision.rsqrt(), -precision.log())))
    return model


def noise(model):
    """SIGMA^2 as the likelihood has it, which keeps its logarithm in single precision."""
    return model.likelihood.log_scale.flatten()[0].exp().square()


def marginal(model):
    """p(x) in closed form, over flat x."""
    (to_data,), (prior,) = model.to_data.layers, model.rungs[1].prior.layers
    w, a, b = to_data.weight.detach(), prior.weight[:2].detach(), prior.bias[:2].detach()
    of_z1 = a @ a.T + S**2 * torch.eye(2).double()
    return MultivariateNormal(
        w @ b + to_data.bias.detach(), w @ of_z1 @ w.T + noise(model) * torch.eye(PIXELS).double()
    )
