"""What the tables of docs/ are made of is accepted by the command."""

from pathlib import Path

import pytest
import yaml

from vae_exp.cli.preflight import check_optimizer, check_trainer
from vae_exp.config.check import check
from vae_exp.config.compose import compose

TABLES = sorted((Path(__file__).parents[1] / "scripts" / "tables").glob("*.yaml"))


def test_there_are_tables():
    assert TABLES


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.stem)
def test_every_row_of_a_table_is_accepted(tmp_path, table):
    content = yaml.safe_load(table.read_text())
    for overrides in content["rows"].values():
        words = [*content["common"], *overrides, "seed=0", f"run_dir={tmp_path}", "trainer.accelerator=cpu"]
        cfg = compose("train", [word.format(runs=tmp_path, seed=0) if "{" in word else word for word in words])
        settings = check(cfg)
        check_optimizer(settings)
        check_trainer(cfg, settings)
