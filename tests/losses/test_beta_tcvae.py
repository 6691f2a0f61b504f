"""The decomposed rate against double loops, closed forms, and itself on two processes."""

import itertools
import math

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from scipy.stats import norm
from torch import nn
from torch.distributions import Independent, Normal

from vae_exp.distributions.aggregate import Stratified, Weighted, log_aggregate
from vae_exp.losses.beta_tcvae import BetaTCVAE
from vae_exp.types import Context, Latent, VAEOutput

K, B, D, N = 2, 7, 3, 50
ESTIMATES = [Stratified(), Weighted()]


def posterior(rows=B, seed=0):
    generator = torch.Generator().manual_seed(seed)
    mu = torch.randn(rows, D, generator=generator).double()
    sigma = 0.3 + torch.rand(rows, D, generator=generator).double()
    return mu, sigma, mu + sigma * torch.randn(K, rows, D, generator=generator).double()


def output(mu, sigma, z):
    prior = Independent(Normal(torch.zeros(mu.shape[1]).double(), 1.0), 1)
    pixels = Independent(Normal(z.mean(-1)[..., None, None, None], 0.5), 3)
    return VAEOutput((Latent(Independent(Normal(mu, sigma), 1), prior, z),), pixels)


def beta_tcvae(**settings):
    return BetaTCVAE(**{"alpha": 1.0, "beta": 6.0, "gamma": 1.0, "estimate": Stratified(), "num_samples": K} | settings)


def terms_of(mu, sigma, z, size=N, **settings):
    result = beta_tcvae(**settings)(
        output(mu, sigma, z), {"x": torch.zeros(len(mu), 1, 1, 1)}, Context(size, nn.Module())
    )
    return result.loss, result.terms


def by_hand(mu, sigma, z, weight):
    """log q(z) and log q(z_j) of one sample each, by loops."""
    rows = len(mu)
    density = norm(mu.numpy()[None], sigma.numpy()[None]).pdf(z.numpy()[:, None])  # [i, m, j]
    joint = [math.log(sum(weight(i, m) * np.prod(density[i, m]) for m in range(rows))) for i in range(rows)]
    each = [
        [math.log(sum(weight(i, m) * density[i, m, j] for m in range(rows))) for j in range(D)] for i in range(rows)
    ]
    return np.array(joint), np.array(each)


WEIGHTS_BY_HAND = {
    Stratified: lambda i, m: 1 / N if i == m else (N - 1) / N / (B - 1),
    Weighted: lambda i, m: 1 / (N * B),
}


@pytest.mark.parametrize("estimate", ESTIMATES)
def test_estimates_match_a_double_loop(estimate):
    mu, sigma, z = posterior()
    joint, each = log_aggregate(Independent(Normal(mu, sigma), 1), z, estimate, N)
    for k in range(K):
        joint_k, each_k = by_hand(mu, sigma, z[k], WEIGHTS_BY_HAND[type(estimate)])
        np.testing.assert_allclose(joint[k], joint_k, rtol=1e-10)
        np.testing.assert_allclose(each[k], each_k, rtol=1e-10)


def test_stratified_is_exact_where_the_batch_is_the_data_set():
    mu, sigma, z = posterior()
    joint, each = log_aggregate(Independent(Normal(mu, sigma), 1), z, Stratified(), B)
    for k in range(K):
        joint_k, each_k = by_hand(mu, sigma, z[k], lambda i, m: 1 / B)
        np.testing.assert_allclose(joint[k], joint_k, rtol=1e-10)
        np.testing.assert_allclose(each[k], each_k, rtol=1e-10)


def test_stratified_is_unbiased_over_all_batches():
    """Every batch of 4 of 6 examples that holds the example z was drawn for, with equal weight."""
    mu, sigma, z = posterior(6)
    first = z[:1, :1]
    exact = Normal(mu, sigma).log_prob(first[0]).sum(-1).exp().mean()
    estimates = []
    for others in itertools.combinations(range(1, 6), 3):
        chosen = [0, *others]
        rest = torch.cat((first, z[:1, list(others)]), 1)
        joint, _ = log_aggregate(Independent(Normal(mu[chosen], sigma[chosen]), 1), rest, Stratified(), 6)
        estimates.append(joint[0, 0].exp())
    torch.testing.assert_close(torch.stack(estimates).mean(), exact)


def test_stratified_is_the_mean_of_the_papers_weights_over_the_odd_example():
    rows, others = B, B - 1
    papers = []
    for odd in range(1, rows):  # of the first row; S6: one of the others has the weight (N - M) / (N M)
        row = torch.full((rows,), 1 / others).double()
        row[0], row[odd] = 1 / N, (N - others) / (N * others)
        papers.append(row)
    ours = Stratified().log_weights(torch.eye(rows).double(), N).exp()
    torch.testing.assert_close(ours[0], torch.stack(papers).mean(0))


@pytest.mark.parametrize(("estimate", "total"), [(ESTIMATES[0], 1.0), (ESTIMATES[1], 1 / N)])
def test_rows_of_weights_sum_to_what_they_should(estimate, total):
    sums = estimate.log_weights(torch.eye(B).double(), N).exp().sum(1)
    torch.testing.assert_close(sums, torch.full_like(sums, total))


def test_total_correlation_of_a_correlated_gaussian_aggregate():
    """z = x + noise with correlated x: q(z) is Gaussian, TC = -log(1 - rho^2) / 2, MI and DWKL follow alike."""
    size, s, rho = 3000, 0.6, 0.8
    c = rho * math.sqrt(1 - s**2) ** 2  # covariance of the means; each marginal of q(z) is N(0, 1)
    cholesky = torch.linalg.cholesky(torch.tensor([[1 - s**2, c], [c, 1 - s**2]]).double())
    mu = torch.randn(size, 2).double() @ cholesky.T
    z = (mu + s * torch.randn(size, 2).double())[None]
    _, terms = terms_of(mu, torch.full_like(mu, s), z, size, num_samples=1)
    determinant = 1 - c**2
    assert terms["total_correlation"].mean().item() == pytest.approx(-0.5 * math.log(determinant), abs=0.03)
    information = 0.5 * math.log(determinant) - 2 * math.log(s)
    assert terms["mutual_information"].mean().item() == pytest.approx(information, abs=0.05)
    assert terms["dimension_wise_kl"].mean().item() == pytest.approx(0.0, abs=0.02)


@pytest.mark.parametrize("seed", range(5))
def test_total_correlation_is_not_negative_where_the_batch_is_the_data_set(seed):
    mu, sigma, _ = posterior(40, seed)
    z = mu + sigma * torch.randn(300, 40, D).double()
    _, terms = terms_of(mu, sigma, z, 40)
    correlation = terms["total_correlation"].mean(1)
    assert correlation.mean() > -3 * correlation.std() / math.sqrt(300)


@pytest.mark.parametrize("estimate", ESTIMATES)
def test_parts_sum_to_the_rate(estimate):
    mu, sigma, z = posterior()
    loss, terms = terms_of(mu, sigma, z, beta=1.0, estimate=estimate)
    parts = terms["mutual_information"] + terms["total_correlation"] + terms["dimension_wise_kl"]
    noise = (z - mu) / sigma
    torch.testing.assert_close(parts, (-0.5 * noise**2 - sigma.log() + 0.5 * z**2).sum(-1))
    torch.testing.assert_close(loss, (terms["distortion"] + parts).mean())
    torch.testing.assert_close(terms["rate"], (0.5 * (mu**2 + sigma**2 - 1) - sigma.log()).sum(-1))


def test_weights_multiply_their_own_terms():
    mu, sigma, z = posterior()
    loss, terms = terms_of(mu, sigma, z, alpha=2.0, beta=3.0, gamma=5.0)
    parts = 2 * terms["mutual_information"] + 3 * terms["total_correlation"] + 5 * terms["dimension_wise_kl"]
    torch.testing.assert_close(loss, terms["distortion"].mean() + parts.mean())


@pytest.mark.parametrize("estimate", ESTIMATES)
def test_the_order_of_the_batch_does_not_matter(estimate):
    mu, sigma, z = posterior()
    order = torch.tensor([3, 0, 6, 1, 5, 2, 4])
    loss, terms = terms_of(mu, sigma, z, estimate=estimate)
    moved_loss, moved = terms_of(mu[order], sigma[order], z[:, order], estimate=estimate)
    torch.testing.assert_close(moved_loss, loss)
    for name, value in moved.items():
        torch.testing.assert_close(value, terms[name][..., order])


@pytest.mark.parametrize("estimate", ESTIMATES)
@pytest.mark.parametrize("size", [1, N])
def test_a_batch_of_one_example_has_finite_gradients(estimate, size):
    mu, sigma, _ = (t[..., :1, :].clone() for t in posterior())
    mu.requires_grad_()
    terms_of(mu, sigma, (mu + sigma)[None], size, estimate=estimate)[0].backward()
    assert torch.isfinite(mu.grad).all()


# Two processes

CUT = 4  # 4 and 3 examples: unequal parts


def shared_gradient(rank, file, results):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{file}", rank=rank, world_size=2)
    mu, sigma, z = posterior()
    rows = slice(0, CUT) if rank == 0 else slice(CUT, B)
    mu, sigma, noise = mu[rows].requires_grad_(), sigma[rows], ((z - mu) / sigma)[:, rows]
    loss, terms = terms_of(mu, sigma, mu + sigma * noise)
    (loss * 2 * len(mu) / B).backward()  # the share that the training loop gives unequal parts
    results[rank] = (loss.item(), terms["total_correlation"].tolist(), (mu.grad / 2).tolist())  # DDP takes the mean
    dist.destroy_process_group()


def test_two_processes_have_the_gradient_of_one(tmp_path):
    mu, sigma, z = posterior()
    noise = (z - mu) / sigma
    mu.requires_grad_()
    loss, terms = terms_of(mu, sigma, mu + sigma * noise)
    loss.backward()
    with mp.get_context("spawn").Manager() as manager:
        results = manager.dict()
        mp.spawn(shared_gradient, (str(tmp_path / "rendezvous"), results), nprocs=2)
        (first, first_tc, first_grad), (second, second_tc, second_grad) = results[0], results[1]
    assert (first * CUT + second * (B - CUT)) / B == pytest.approx(loss.item(), rel=1e-12)
    torch.testing.assert_close(torch.tensor([a + b for a, b in zip(first_tc, second_tc, strict=True)]).double(),
                               terms["total_correlation"].detach())  # fmt: skip
    torch.testing.assert_close(torch.tensor(first_grad + second_grad).double(), mu.grad)
