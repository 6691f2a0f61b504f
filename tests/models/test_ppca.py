"""A linear VAE is probabilistic PCA: trained to convergence it reaches the latter's maximum likelihood.

Tipping & Bishop, 1999, "Probabilistic principal component analysis", eq. 7-8; Lucas et al., 2019, "Don't blame the
ELBO!", arXiv:1911.02469
"""

import math

import torch

from analysis.linear import linear_vae, marginal
from vae_exp.losses.elbo import ELBO
from vae_exp.schedules import Constant
from vae_exp.types import Context

SHAPE, LATENT_DIM, EXAMPLES, STEPS = (1, 4, 5), 3, 500, 2200
PIXELS = math.prod(SHAPE)


def known_data():
    basis, _ = torch.linalg.qr(torch.randn(PIXELS, LATENT_DIM).double())
    w = basis * torch.tensor([0.4, 0.25, 0.15]).double()
    x = 0.5 + torch.randn(EXAMPLES, LATENT_DIM).double() @ w.T + 0.05 * torch.randn(EXAMPLES, PIXELS).double()
    return x.unflatten(1, SHAPE)


def ppca_log_likelihood(x):
    """Mean log-likelihood of the maximum-likelihood solution, nats per example."""
    x = x.flatten(1)
    eigenvalues = torch.linalg.eigvalsh(torch.cov(x.T, correction=0)).flip(0)
    noise = eigenvalues[LATENT_DIM:].mean()  # eq. 8
    log_det = eigenvalues[:LATENT_DIM].log().sum() + (PIXELS - LATENT_DIM) * noise.log()
    return -0.5 * (PIXELS * math.log(2 * math.pi) + log_det + PIXELS)


def test_linear_vae_reaches_ppca_likelihood():
    x = known_data()
    model = linear_vae(LATENT_DIM, SHAPE, scale=0.3, learn_scale=True)
    loss = ELBO(beta=1.0, schedule=Constant(), free_bits=0.0, free_bits_per="dimension", num_samples=1)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS, eta_min=1e-4)
    context = Context(EXAMPLES, model)
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss(model({"x": x}), {"x": x}, context).loss.backward()
        optimizer.step()
        schedule.step()

    best = ppca_log_likelihood(x).item()
    reached = marginal(model).log_prob(x.flatten(1)).mean().item()
    with torch.no_grad():
        bound = -loss(model({"x": x}, 200), {"x": x}, context).loss.item()
    assert best - 0.05 <= reached <= best + 1e-9
    assert reached - 0.1 <= bound <= reached + 0.02  # at the optimum q(z|x) is the posterior; 0.02 is Monte Carlo
