"""Losses that are no mean over examples: two processes, with unequal parts of a batch, have the gradient of one."""

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.distributions import Independent, Normal

from vae_exp.losses.capacity import Capacity
from vae_exp.losses.dip_vae import DIPVAEI, DIPVAEII
from vae_exp.losses.elbo import ELBO
from vae_exp.schedules import Constant
from vae_exp.types import Context, Latent, VAEOutput

B, D, CUT = 7, 3, 4
PARTS = (slice(0, CUT), slice(CUT, B))


def losses():
    elbo = {"beta": 1.0, "schedule": Constant(), "num_samples": 1}
    return {
        "dimension": ELBO(**elbo, free_bits=0.7, free_bits_per="dimension"),
        "group": ELBO(**elbo, free_bits=2.0, free_bits_per="group"),
        "capacity": Capacity(gamma=10.0, capacity=2.0, schedule=Constant()),
        "dip_vae_i": DIPVAEI(lambda_od=10.0, lambda_d=7.0),
        "dip_vae_ii": DIPVAEII(lambda_od=10.0, lambda_d=7.0),
    }


def gradients(rows, share=1.0):
    """Of each loss in the means of some of the examples, whose rates differ much."""
    mu = torch.randn(B, D, generator=torch.Generator().manual_seed(0)).double()
    mu[CUT:] *= 3
    found = {}
    for name, loss in losses().items():
        part = mu[rows].clone().requires_grad_()
        prior = Independent(Normal(torch.zeros(D).double(), 1.0), 1)
        pixels = Independent(Normal(part.mean(-1)[None, :, None, None, None], 0.5), 3)
        latent = Latent(Independent(Normal(part, torch.full_like(part, 0.6)), 1), prior, part[None])
        x = torch.zeros(len(part), 1, 1, 1)
        result = loss.double()(VAEOutput((latent,), pixels), {"x": x}, Context(100, nn.Module()))
        (result.loss * share).backward()
        found[name] = part.grad
    return found


def one_of_two(rank, file, results):
    dist.init_process_group("gloo", init_method=f"file://{file}", rank=rank, world_size=2)
    rows = PARTS[rank]
    found = gradients(rows, share=2 * (rows.stop - rows.start) / B)  # as the training loop weighs unequal parts
    results[rank] = {name: (grad / 2).tolist() for name, grad in found.items()}  # DDP takes the mean
    dist.destroy_process_group()


def test_two_processes_have_the_gradients_of_one(tmp_path):
    with mp.get_context("spawn").Manager() as manager:
        results = manager.dict()
        mp.spawn(one_of_two, (str(tmp_path / "rendezvous"), results), nprocs=2)
        first, second = results[0], results[1]
    for name, grad in gradients(slice(0, B)).items():
        torch.testing.assert_close(torch.tensor(first[name] + second[name]).double(), grad, msg=name)
