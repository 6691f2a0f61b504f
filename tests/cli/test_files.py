import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from vae_exp.errors import UserError
from vae_exp.files import read_json, remove_partial, whole, write_whole


def test_a_file_is_written_and_replaced(tmp_path):
    file = tmp_path / "new" / "x.json"
    write_whole(file, '{"a": 1}')
    assert read_json(file) == {"a": 1}
    write_whole(file, b"[2]")
    assert read_json(file) == [2]
    assert [entry.name for entry in file.parent.iterdir()] == ["x.json"]


@pytest.mark.parametrize("step", ["fsync", "write"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, step):
    file = tmp_path / "x"
    write_whole(file, "old")

    def fail(*args):
        raise OSError(errno.EIO if step == "write" else errno.ENOSPC, "broken")

    monkeypatch.setattr(*((os, "fsync") if step == "fsync" else (Path, "replace")), fail)
    with pytest.raises(UserError if step == "fsync" else OSError):
        write_whole(file, "new")
    assert file.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["x"]


def test_a_full_disk_is_one_sentence(tmp_path, monkeypatch):
    def fail(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(UserError, match=r"^no space left on the disk of .*; free some"):
        write_whole(tmp_path / "x", "text")


def test_a_file_has_the_usual_permissions(tmp_path):
    plain, whole = tmp_path / "plain", tmp_path / "whole"
    plain.write_text("")
    write_whole(whole, "")
    assert stat.S_IMODE(whole.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_reading_tells_what_is_wrong(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        read_json(tmp_path / "absent.json")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(UserError, match="is not a json file"):
        read_json(tmp_path / "bad.json")


def test_a_folder_is_made_whole_or_not_at_all(tmp_path):
    target = tmp_path / "a" / "b"
    with pytest.raises(KeyError), whole(target, folder=True) as partial:
        _ = {}[partial.joinpath("half").write_text("of it")]
    assert list(target.parent.iterdir()) == []
    with whole(target, folder=True) as partial:
        (partial / "all").touch()
        assert not target.exists()
    assert [file.name for file in target.iterdir()] == ["all"]
    plain = tmp_path / "plain"
    plain.mkdir()
    assert stat.S_IMODE(target.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_what_a_killed_process_left_is_removed(tmp_path):
    killed = """
import os, sys
from vae_exp.files import whole
with whole("sub/file"), whole("sub/folder", folder=True) as partial:
    (partial / "half").touch()
    os._exit(9)
"""
    subprocess.run([sys.executable, "-c", killed], cwd=tmp_path, check=False)
    assert len(list((tmp_path / "sub").iterdir())) == 2
    (tmp_path / "sub" / "kept.part").touch()
    remove_partial(tmp_path, "file")
    assert sorted(file.name.split(".")[1] for file in (tmp_path / "sub").iterdir()) == ["folder", "part"]
    remove_partial(tmp_path)
    assert [file.name for file in (tmp_path / "sub").iterdir()] == ["kept.part"]
