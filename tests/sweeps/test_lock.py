"""One process at a time in a folder, whatever becomes of the one before."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from vae_exp.sweeps import lock
from vae_exp.sweeps.lock import NAME, BusyError, held, holder

HOLD = """
import sys, time
from pathlib import Path
from vae_exp.sweeps.lock import BusyError, held
try:
    with held(Path(sys.argv[1]), beat=0.05, stale=float(sys.argv[2])):
        print("held", flush=True)
        time.sleep(float(sys.argv[3]))
except BusyError as error:
    print("busy", flush=True)
"""


def start(folder, stale=0.5, seconds=30.0):
    words = [sys.executable, "-c", HOLD, str(folder), str(stale), str(seconds)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


def elsewhere(folder, age=0.0):
    """A lock as a process of another machine leaves it."""
    path = folder / NAME
    content = {"host": "node7", "machine": "node7 x y", "pid": os.getpid(), "started": "1", "token": "t"}
    path.write_text(json.dumps(content))
    os.utime(path, (time.time() - age, time.time() - age))
    return path


def test_it_is_held_and_given_back(tmp_path):
    assert holder(tmp_path) is None
    with held(tmp_path):
        assert holder(tmp_path)["pid"] == os.getpid()
        with pytest.raises(BusyError, match=f"process {os.getpid()} on"), held(tmp_path):
            pass
    assert list(tmp_path.iterdir()) == []


def test_it_is_given_back_after_an_error(tmp_path):
    with pytest.raises(KeyError), held(tmp_path):
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_removed_meanwhile(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    with held(folder, beat=0.01):
        (folder / NAME).unlink()
        folder.rmdir()
        time.sleep(0.05)
    assert not folder.exists()


def test_another_process_is_kept_out_until_it_is_killed(tmp_path):
    process = start(tmp_path)
    assert process.stdout.readline() == "held\n"
    with pytest.raises(BusyError, match=f"process {process.pid} on"), held(tmp_path):
        pass
    process.kill()
    process.communicate()
    assert holder(tmp_path) is None
    before = time.monotonic()
    with held(tmp_path):
        assert holder(tmp_path)["pid"] == os.getpid()
    assert time.monotonic() - before < 1  # no waiting for a dead process of this machine


def test_a_later_process_of_the_same_number_is_not_the_holder(tmp_path):
    mine = {**lock._this_process(), "started": "1", "token": "t"}
    (tmp_path / NAME).write_text(json.dumps(mine))
    with held(tmp_path):
        assert holder(tmp_path)["token"] != "t"


def test_a_holder_elsewhere_that_is_silent_is_dead(tmp_path):
    elsewhere(tmp_path)
    assert holder(tmp_path)["host"] == "node7"
    before = time.monotonic()
    with held(tmp_path, stale=0.4):
        assert holder(tmp_path)["pid"] == os.getpid()
        assert holder(tmp_path)["host"] != "node7"
    assert 0.3 < time.monotonic() - before < 5
    assert list(tmp_path.iterdir()) == []


def test_a_holder_elsewhere_that_touches_its_file_is_alive_whatever_its_clock_says(tmp_path):
    path, stop = elsewhere(tmp_path), threading.Event()

    def beat():
        now = 0.0
        while not stop.wait(0.05):
            now += 1.0
            os.utime(path, (now, now))  # in 1970

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        with pytest.raises(BusyError, match="node7"), held(tmp_path, stale=2.0):
            pass
    finally:
        stop.set()
        thread.join()


def test_to_look_takes_no_time(tmp_path):
    elsewhere(tmp_path, age=30)
    assert holder(tmp_path)["host"] == "node7"
    elsewhere(tmp_path, age=61)
    assert holder(tmp_path) is None


@pytest.mark.parametrize("content", ["", "{", "[1]"])
def test_a_broken_file_is_that_of_an_unknown_holder(tmp_path, content):
    (tmp_path / NAME).write_text(content)
    assert holder(tmp_path) is not None
    with held(tmp_path, stale=0.2):
        assert holder(tmp_path)["pid"] == os.getpid()


def test_of_several_that_find_a_dead_holder_one_takes_over(tmp_path):
    elsewhere(tmp_path, age=1000)
    processes = [start(tmp_path, stale=0.5, seconds=5) for _ in range(5)]
    answers = [process.stdout.readline() for process in processes]
    for process in processes:
        process.kill()
        process.communicate()
    assert sorted(answers) == ["busy\n"] * 4 + ["held\n"]


def test_one_that_died_while_taking_over_blocks_nobody(tmp_path):
    elsewhere(tmp_path, age=1000)
    dead = {**lock._this_process(), "started": "1", "token": "u"}
    (tmp_path / f".{NAME}.claim.t").write_text(json.dumps(dead))
    with held(tmp_path, stale=0.2):
        assert holder(tmp_path)["pid"] == os.getpid()


def test_a_process_that_slept_while_another_took_over_ends(tmp_path, monkeypatch):
    sent = []
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append((pid, number)))
    with held(tmp_path, beat=0.01):
        elsewhere(tmp_path)
        time.sleep(0.1)
    assert sent == [(os.getpid(), signal.SIGTERM)]
    assert holder(tmp_path)["host"] == "node7"  # whose lock is left alone


def test_a_file_system_without_links(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    with held(tmp_path), pytest.raises(BusyError), held(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []
