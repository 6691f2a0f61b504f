"""Users and items from a file: a recommender is trained, compared, asked, and declines what it cannot do."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
import pytest

from vae_exp import cli
from vae_exp.data.synthetic_interactions import synthetic_interactions

from .commands import figures

SMALL = (
    "experiment=mult_vae",
    "model.latent_dim=16",
    "model.encoder.hidden=[64]",
    "model.decoder.hidden=[64]",
    "loss.schedule.duration=15",
    "optimizer.lr=3e-3",
    "trainer.max_epochs=20",
    "trainer.accelerator=cpu",
)


@pytest.fixture(scope="module")
def log():
    return synthetic_interactions(num_users=1500, num_items=200, num_tastes=10, interactions_per_user=30, seed=0)


@pytest.fixture(scope="module")
def recommender(tmp_path_factory: pytest.TempPathFactory, log) -> Path:
    """The folder of a run on a file of the synthetic interactions."""
    folder = tmp_path_factory.mktemp("recommender")
    with (folder / "log.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(("user", "item", "time"))
        table.writerows(zip(log.user_names[log.user], log.item_names[log.item], log.time, strict=True))
    words = ["train", *SMALL, "data=interactions", f"data.path={folder / 'log.csv'}", f"hydra.run.dir={folder / 'run'}"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["vae-exp", *words])
        assert cli.main(words) == 0
    return folder / "run"


@pytest.fixture(scope="module")
def eager(log):
    """Two users who took many items."""
    return [int(user) for user in np.argsort(np.bincount(log.user))[-2:]]


def recommendations(path):
    with path.open(newline="") as file:
        found = {}
        for line in csv.DictReader(file):
            assert int(line["rank"]) == len(found.setdefault(line["user"], [])) + 1
            found[line["user"]].append((line["item"], float(line["score"])))
        return found


def test_it_is_far_above_popularity_and_near_ease(recommender):
    found = figures(recommender)
    for name in ("ndcg@100", "recall@20", "capped_recall@20", "recall@50"):
        assert found[f"test/{name}"] > 1.5 * found[f"test/popularity_{name}"]
        assert found[f"test/{name}"] > 0.85 * found[f"test/ease_{name}"]
    assert found["test/item_knn_recall@20"] > found["test/popularity_recall@20"]
    assert 0 < found["test/coverage@20"] <= 1
    assert found["test/novelty@20"] > 0


def test_the_best_checkpoint_is_that_of_the_highest_ndcg(recommender):
    import torch

    checkpoint = torch.load(recommender / "checkpoints" / "best.ckpt", weights_only=True)
    (state,) = [state for name, state in checkpoint["callbacks"].items() if name.startswith("LastAndBest")]
    assert -state["best_score"] == pytest.approx(figures(recommender)["val/ndcg@100"], abs=1e-6)


def test_users_are_recommended_what_they_do_not_have(command, recommender, log, eager):
    asked = [f"u{user}" for user in eager]
    assert command("recommend", f"run={recommender}", f"users=[{','.join(asked)}]", "k=7").code == 0
    found = recommendations(recommender / "recommendations.csv")
    assert list(found) == asked
    for user, ranked in found.items():
        assert len(ranked) == 7
        has = set(log.item_names[log.item[log.user_names[log.user] == user]])
        assert not has & {item for item, _ in ranked}
        scores = [score for _, score in ranked]
        assert scores == sorted(scores, reverse=True)
        assert 0 < sum(scores) < 1


def test_new_users_are_recommended_items_by_what_they_have(command, recommender, tmp_path, log, eager):
    mine = log.item_names[log.item[log.user == eager[0]]]
    history = tmp_path / "new.csv"
    history.write_text("item,user\n" + "".join(f"{item},new\n" for item in mine) + "strange,new\nstrange,other\n")
    out = tmp_path / "out.csv"
    done = command("recommend", f"run={recommender}", f"history={history}", f"out={out}", "k=7")
    assert done.code == 0, done.err
    assert "1 items are not known to the run and do not count, such as strange" in done.err
    assert command("recommend", f"run={recommender}", f"users=u{eager[0]}", "k=7").code == 0
    assert recommendations(out) == {"new": recommendations(recommender / "recommendations.csv")[f"u{eager[0]}"]}


def test_a_long_list_ends_with_the_last_unseen_item(command, recommender, tmp_path, log, eager):
    user, out = f"u{eager[0]}", tmp_path / "out.csv"
    assert command("recommend", f"run={recommender}", f"users={user}", "k=1000", f"out={out}").code == 0
    known = set(log.item[log.user == eager[0]])
    assert len(recommendations(out)[user]) == 200 - len(known)


def test_what_it_cannot_do_is_a_sentence(command, recommender, run, tmp_path):
    (tmp_path / "none.csv").write_text("user,item\na,b\n")
    refusals = {
        ("recommend", f"run={recommender}", "users=[u99999]"): "users: nothing is known of u99999; did you mean u",
        (
            "recommend",
            f"run={recommender}",
            f"history={tmp_path / 'none.csv'}",
        ): "nobody has an item that the run knows",
        ("recommend", f"run={recommender}", "history=nowhere.csv"): "history=nowhere.csv is not a file",
        ("recommend", f"run={recommender}", "users=[]"): "users=[]: name at least one",
        ("recommend", f"run={recommender}", "k=0"): "k=0: should be a whole number, at least 1",
        ("recommend", f"run={recommender}", f"out={recommender}"): "is there already",
        ("recommend", f"run={run}"): "knows no items to recommend",
        ("sample", f"run={recommender}"): "has no pictures to sample",
    }
    for words, sentence in refusals.items():
        done = command(*words)
        assert done.code == 1
        assert sentence in done.err
        assert len(done.err.strip().splitlines()) == 1


def test_it_is_measured_again_and_reported_without_pictures_of_rows(command, recommender):
    before = figures(recommender)
    done = command("evaluate", f"run={recommender}", "metrics=[quality,recommender]", "view=all")
    assert done.code == 0, done.err
    after = figures(recommender)
    for name in ("ndcg@100", "ease_ndcg@100"):
        assert after[f"test/{name}"] == pytest.approx(before[f"test/{name}"], abs=1e-6)
    assert not {"test/psnr", "test/sharpness_data"} & set(after)
    drawn = {path.stem for path in (recommender / "images").iterdir()}
    assert {"latent_pca", "latent_tsne", "kl_per_dim"} <= drawn
    assert not {"reconstructions", "samples", "traversals", "worst_and_best"} & drawn
    assert command("report", str(recommender)).code == 0
    page = (recommender / "report" / "index.html").read_text()
    assert "Held-out items among a user" in page
