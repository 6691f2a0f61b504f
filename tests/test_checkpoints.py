"""Checkpoints are read, or refused with a reason."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from vae_exp.checkpoints import FORMAT, read_checkpoint
from vae_exp.errors import UserError

OURS = {"vae_exp": {"format": FORMAT}, "state_dict": {}, "global_step": 3}


def written(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "last.ckpt"
    torch.save(content, path)
    return path


def test_a_checkpoint_is_read_as_it_was_written(tmp_path):
    assert read_checkpoint(written(tmp_path, OURS)) == OURS


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"state_dict": {}}, "is not a checkpoint of vae_exp"),
        ([1, 2], "is not a checkpoint of vae_exp"),
        (OURS | {"vae_exp": {"format": FORMAT - 1}}, "was written by another version of vae_exp"),
        (Path, "cannot be read"),
    ],
)
def test_what_is_none_of_ours_is_refused(tmp_path, content, reason):
    with pytest.raises(UserError, match=reason):
        read_checkpoint(written(tmp_path, content))


def test_what_is_cut_short_or_absent_is_refused(tmp_path):
    path = written(tmp_path, OURS)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UserError, match="cut short"):
        read_checkpoint(path)
    with pytest.raises(UserError, match="is not a file"):
        read_checkpoint(tmp_path)
