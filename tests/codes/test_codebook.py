"""The codebook's moving averages."""

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from vae_exp.heads.codebook import Codebook


def book(categories=4, decay=0.9, revive_below=0.0):
    made = Codebook(categories=categories, code_dim=2, decay=decay, revive_below=revive_below).double()
    made.vectors.copy_(torch.randn(categories, 2, generator=torch.Generator().manual_seed(7)))
    return made


def batch(seed=0, count=40):
    return torch.randn(count, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_without_memory_it_is_a_step_of_k_means():
    one, v = book(categories=6, decay=0.0), batch(count=8)
    before, codes = one.vectors.clone(), one.nearest(v)
    one.update(v, codes)
    unused = 0
    for k in range(6):
        mine = [x for x, code in zip(v, codes.tolist(), strict=True) if code == k]
        unused += not mine
        torch.testing.assert_close(one.vectors[k], sum(mine) / len(mine) if mine else before[k])
    assert unused, "some code should have stayed where it was"


def test_moving_averages_are_those_of_their_definition_and_end_at_k_means():
    one, v = book(), batch()
    codes = one.nearest(v)
    count, total = torch.zeros(4).double(), torch.zeros(4, 2).double()
    for step in range(100):
        seen, chosen = (batch(step), one.nearest(batch(step))) if step < 5 else (v, codes)
        one.update(seen, chosen)
        for k in range(4):
            count[k] = 0.9 * count[k] + 0.1 * (chosen == k).sum()
            total[k] = 0.9 * total[k] + 0.1 * seen[chosen == k].sum(0)
        if step == 4:
            torch.testing.assert_close(one.vectors, total / count[:, None])
    means = torch.stack([v[codes == k].mean(0) for k in range(4)])
    torch.testing.assert_close(one.vectors, means, rtol=1e-3, atol=1e-3)


def test_codes_that_nobody_chooses_are_put_where_the_codebook_is_bad():
    one = book(categories=30, revive_below=0.1)
    near, far = 0.01 * batch(count=990), 90 + 0.01 * batch(seed=1, count=10)
    v = torch.cat((near, far))
    one.vectors.copy_(100.0 + 5 * torch.arange(30)[:, None])
    one.vectors[0] = 0.0  # of all codes only the first is chosen by the near ones, and far ones have but one
    for _ in range(3):
        one.update(v, one.nearest(v))
    distances = torch.cdist(one.vectors, v).amin(1)
    assert distances.max() < 0.1, "every code lies at the data"
    assert (torch.cdist(far, one.vectors).amin(1) < 0.05).all(), "rare vectors have codes"


def test_revival_is_off_at_zero_and_dead_codes_stay_finite():
    one = book(decay=0.5)
    one.vectors[3] = 1000.0
    for step in range(3000):
        one.update(batch(step % 3), one.nearest(batch(step % 3)))
    assert one.vectors[3].tolist() == [1000.0, 1000.0]
    assert one.vectors.isfinite().all()


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_batch_that_is_not_finite_changes_nothing(bad):
    one = book(revive_below=0.1)
    one.update(batch(), one.nearest(batch()))
    before = {name: value.clone() for name, value in one.state_dict().items()}
    v = batch()
    v[3, 1] = bad
    one.update(v, one.nearest(v.nan_to_num()))
    assert all(value.equal(before[name]) for name, value in one.state_dict().items())


def _process(rank, file, folder):
    dist.init_process_group("gloo", init_method=f"file://{file}", rank=rank, world_size=2)
    one = book()
    for step in range(3):
        half = batch(step)[rank::2]
        one.update(half, one.nearest(half))
    torch.manual_seed(rank)  # what is drawn to revive codes differs, what they become does not
    reviving = book(categories=8, revive_below=0.5)
    reviving.update(batch()[rank::2], reviving.nearest(batch()[rank::2]))
    torch.save((one.state_dict(), reviving.state_dict()), f"{folder}/{rank}.pt")
    dist.destroy_process_group()


@pytest.mark.slow
def test_statistics_are_those_of_all_processes(tmp_path):
    mp.spawn(_process, (tmp_path / "meet", tmp_path), nprocs=2)
    alone = book()
    for step in range(3):
        alone.update(batch(step), alone.nearest(batch(step)))
    (first, revived), (second, revived_too) = (torch.load(tmp_path / f"{rank}.pt") for rank in (0, 1))
    for name, value in alone.state_dict().items():
        torch.testing.assert_close(first[name], value)
        assert first[name].equal(second[name])
        assert revived[name].equal(revived_too[name])
    assert torch.cdist(revived["vectors"], batch()).amin(1).lt(3).all()


def test_the_nearest_code_is_found_where_all_lie_together_and_far_away():
    one = Codebook(categories=64, code_dim=8, decay=0.9, revive_below=0.0)
    one.vectors.copy_(100 + 0.05 * torch.randn(64, 8))
    v = 100 + 0.05 * torch.randn(500, 8)
    exact = (v.double()[:, None] - one.vectors.double()).square().sum(-1).argmin(1)
    assert one.nearest(v).equal(exact)
