"""vae-exp recommend: the best unseen items of users, by a finished run."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig

from vae_exp.analysis.ranking import ranked
from vae_exp.build import Settings
from vae_exp.cli.failure import writing
from vae_exp.cli.finished import check_counts, data_of, device_named, refuse_existing
from vae_exp.cli.hydra_app import run_hydra
from vae_exp.config.check import check
from vae_exp.config.nearest import nearest
from vae_exp.data.histories import of_interactions, of_splits
from vae_exp.data.interaction_splits import liked
from vae_exp.data.interactions import interactions_in
from vae_exp.data.sparse_rows import SparseRows
from vae_exp.errors import UserError
from vae_exp.files import write_whole
from vae_exp.run import Run, best_checkpoint, load_run

log = logging.getLogger(__name__)

Line = tuple[str, int, str, str]
SPLITS = ("train", "val", "test")


def main(argv: list[str]) -> int:
    """Run `vae-exp recommend` with these overrides."""
    return run_hydra("recommend", argv, recommend, before=_check)


def recommend(cfg: DictConfig) -> None:
    """Rank all items that users do not have, and write the first k of each: user, rank, item, score.

    A score is the item's mean under p(x|z) at the centre of q(z|x): for Mult-VAE the probability that the user's next
    item is this one.
    """
    asked = check(cfg)
    run = load_run(asked["run"], device=device_named(asked["device"]), trusted_packages=asked["trusted_packages"])
    if not run.model.spec.item_names:
        raise UserError(f"run={asked['run']} knows no items to recommend; give a run of users and items")
    known = _histories(run, asked)
    chosen = _chosen(known, asked["users"])
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("user", "rank", "item", "score"))
    table.writerows(_lines(run, known, chosen, asked))
    out = _out(asked)
    with writing(f"out={out}"):
        write_whole(out, text.getvalue())
    log.info("%s", out)


@torch.no_grad()
def _lines(run: Run, known: SparseRows, chosen: torch.Tensor, asked: Settings) -> Iterator[Line]:
    device = next(run.model.parameters()).device
    for rows in chosen.split(asked["batch_size"]):
        x = known.inputs(rows)["x"].to(device)
        items, scores = ranked(run.model.reconstruct({"x": x}).mean, x, asked["k"])
        for row, best, worth in zip(rows.tolist(), items.tolist(), scores.tolist(), strict=True):
            for rank, (item, score) in enumerate(zip(best, worth, strict=True), start=1):
                if score > -torch.inf:  # else the user has all other items
                    yield known.row_names[row], rank, known.item_names[item], f"{score:.6g}"


def _histories(run: Run, asked: Settings) -> SparseRows:
    """What each user has: from a file, or from all splits of the run's data."""
    if asked["history"] is None:
        data = data_of(run, asked)
        sources = [data.part(name).source for name in SPLITS]  # type: ignore[arg-type]
        return of_splits([source for source in sources if isinstance(source, SparseRows)])
    interactions = interactions_in(asked["history"], key="history")
    least = run.settings["data"]["dataset"].get("min_rating")
    if least is not None and interactions.rating is not None:
        interactions = liked(interactions, least)
    known, foreign = of_interactions(interactions, run.model.spec.item_names)
    if not len(known):
        raise UserError(f"history={asked['history']}: nobody has an item that the run knows, such as {_some(known)}")
    if foreign:
        log.warning("%d items are not known to the run and do not count, such as %s", len(foreign), foreign[0])
    return known


def _some(known: SparseRows) -> str:
    return ", ".join(known.item_names[:3])


def _chosen(known: SparseRows, users: Any) -> torch.Tensor:
    """Rows of the users who were asked for."""
    if users is None:
        return torch.arange(len(known))
    if users == []:
        raise UserError("users=[]: name at least one, or leave users out for all that there are")
    wanted = [str(user) for user in (users if isinstance(users, list) else [users])]
    number = {name: row for row, name in enumerate(known.row_names)}
    for user in wanted:
        if user not in number:
            close = nearest(user, number)
            hint = f"did you mean {close}?" if close else f"there are {len(number)}, such as {known.row_names[0]}"
            raise UserError(f"users: nothing is known of {user}; {hint}")
    return torch.tensor([number[user] for user in wanted], dtype=torch.int64)


def _out(asked: Settings) -> Path:
    if asked["out"] is None:
        return Path(asked["run"], "recommendations.csv")
    refuse_existing(asked["out"], folder=False)
    return Path(asked["out"]).expanduser()


def _check(cfg: DictConfig, asked: Settings) -> None:
    best_checkpoint(Path(cfg.run))
    check_counts(asked, k=1, batch_size=1)
    device_named(asked["device"])
    _out(asked)
