"""Codes of a whole set, gathered from batches and from processes."""

import pytest
import torch
import torch.multiprocessing as mp
from torch.distributions import Independent, Normal

from vae_exp.errors import UserError
from vae_exp.metrics.codes.sharing import draw_with, group
from vae_exp.metrics.codes.table import halves, tabulate
from vae_exp.metrics.disentanglement import mig, sap
from vae_exp.types import Latent, VAEOutput

from .tables import NAMES, factors_of, given, metric, noise_like, standardised

SCORES = [name for name in NAMES if name != "elbo"]
QUICK = {"num_train": 300, "num_test": 100}


def quick(name):
    small = {key: value for key, value in {**QUICK, "num_rounds": 3, "num_points": 300}.items() if key in given(name)}
    return metric(name, **small)


def output(codes):
    """A model's output with these posterior means, in two groups of latents."""
    parts = codes.float().split([1, codes.shape[1] - 1], 1)
    qs = [Independent(Normal(part, 0.1), 1) for part in parts]
    return VAEOutput(tuple(Latent(q, q, q.mean[None]) for q in qs), qs[0])


def score(found, codes, factors, batches):
    for part in batches:
        found.update({"x": codes[part], "factors": factors[part]}, output(codes[part]), None)
    return {name: value.item() for name, value in found.compute().items()}


def noisy(n=401):
    factors = factors_of((3, 4, 2), n)
    return standardised(factors) + 0.5 * noise_like(factors, 3), factors


@pytest.mark.parametrize("name", SCORES)
def test_figures_do_not_depend_on_batches_and_their_order(name):
    codes, factors = noisy()
    once = score(quick(name), codes, factors, [torch.arange(401)])
    shuffled = torch.randperm(401).split([1, 100, 37, 263])
    assert score(quick(name), codes, factors, shuffled) == once
    direct = quick(name).scores(codes.float(), factors)  # in another order: near, if not the same
    assert direct.keys() == once.keys()
    for key, value in once.items():
        assert value == pytest.approx(direct[key].item(), abs=0.15), key


def test_the_seed_decides_the_draws():
    codes, factors = noisy()
    first, again, other = (mig(codes, factors, num_points=200, bins=20, seed=seed).item() for seed in (0, 0, 1))
    assert first == again != other


def test_reset_forgets_everything():
    codes, factors = noisy()
    found = quick("mig")
    once = score(found, codes, factors, [torch.arange(401)])
    found.reset()
    assert score(found, codes, factors, [torch.arange(401)]) == once


@pytest.mark.parametrize("name", [name for name in SCORES if name != "unsupervised"])
def test_data_without_factors_are_refused_at_the_first_batch(name):
    codes, _ = noisy()
    with pytest.raises(UserError, match=r"needs ground-truth factors.*data=sprites") as refusal:
        metric(name).update({"x": codes}, output(codes), None)
    assert "\n" not in str(refusal.value)


def test_unsupervised_scores_need_no_factors():
    codes, _ = noisy()
    found = metric("unsupervised")
    found.update({"x": codes}, output(codes), None)
    assert set(found.compute()) == {"gaussian_total_correlation", "gaussian_wasserstein", "code_mutual_information"}


def test_too_few_points_are_refused():
    codes, factors = noisy(99)
    with pytest.raises(UserError, match="at least 100 points"):
        mig(codes, factors, **given("mig"))


def test_factors_must_vary():
    codes, factors = noisy(200)
    with pytest.raises(UserError, match="no ground-truth factor has two values"):
        mig(codes, torch.ones_like(factors), **given("mig"))
    constant = torch.cat((factors, torch.full((200, 1), 7)), 1)  # as the colour of dSprites
    assert mig(codes, constant, **given("mig")) == mig(codes, factors, **given("mig"))


def test_a_value_that_is_too_rare_to_learn_is_refused():
    codes, factors = noisy(200)
    factors = torch.zeros(200, 1, dtype=torch.int64)
    factors[0] = 1
    with pytest.raises(UserError, match=r"too few.*single value"):
        sap(codes, factors, **given("sap"))


def test_codes_that_are_not_finite_are_refused():
    codes, factors = noisy(200)
    codes[3, 1] = torch.nan
    with pytest.raises(UserError, match="not finite"):
        mig(codes, factors, **given("mig"))


def test_names_of_values_do_not_matter():
    codes, factors = noisy()
    renamed = factors * -5 + 100
    assert mig(codes, renamed, **given("mig")).item() == pytest.approx(mig(codes, factors, **given("mig")).item())


def test_halves_are_disjoint_and_in_proportion():
    points = torch.arange(300).double()[:, None]
    factors = factors_of((2, 3), 300)
    for num_train, num_test, sizes in ((100, 50, (100, 50)), (10_000, 5_000, (200, 100))):
        train, test = halves(tabulate(points, factors), num_train=num_train, num_test=num_test, seed=0)
        assert (len(train.codes), len(test.codes)) == sizes
        assert not set(train.codes.flatten().tolist()) & set(test.codes.flatten().tolist())
        assert (train.factors == factors[train.codes.flatten().long()]).all()


def test_drawn_points_have_the_value_and_are_drawn_evenly():
    factors = factors_of((3, 5), 200)
    held = torch.randint(2, (400, 50))
    value = factors[torch.randint(200, held.shape), held]
    points = draw_with(group(factors), held, value, torch.Generator().manual_seed(0))
    assert (factors[points, held] == value).all()
    share = draw_with(group(factors), torch.zeros(60_000).long(), torch.ones(60_000).long(), torch.Generator())
    counts = share.bincount(minlength=200)[factors[:, 0] == 1].double()
    assert counts.sum() == 60_000
    expected = 60_000 / len(counts)
    assert (counts - expected).square().sum() / expected < 2 * len(counts)  # chi squared


def in_one_of_two(rank, folder, results):
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    torch.set_num_threads(1)
    codes, factors = noisy()
    mine = torch.arange(401)[rank::2].split(50)  # 201 and 200 points
    found = {name: score(quick(name), codes, factors, mine) for name in SCORES}
    torch.save(found, f"{results}/{rank}.pt")
    torch.distributed.destroy_process_group()


@pytest.mark.slow
def test_two_processes_find_the_figures_of_one(tmp_path):
    codes, factors = noisy()
    one = {name: score(quick(name), codes, factors, [torch.arange(401)]) for name in SCORES}
    mp.spawn(in_one_of_two, (str(tmp_path), str(tmp_path)), nprocs=2)
    assert [torch.load(tmp_path / f"{rank}.pt") for rank in (0, 1)] == [one, one]
