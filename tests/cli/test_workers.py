"""Processes that share a machine."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from vae_exp.cli import workers

WORK = """
import os, sys
from vae_exp.cli.workers import at_work
with at_work(2):
    print(os.environ.get("CUDA_VISIBLE_DEVICES"), flush=True)
    sys.stdin.read()
"""

COPIES = """
import os, sys
from joblib import Parallel, delayed
import torch
from vae_exp.cli import workers

imported = os.getpid()

def work():
    with workers.at_work(2):
        product = torch.ones(300, 300) @ torch.ones(300, 300)  # by as many threads as the worker has
    return imported == os.getppid(), torch.get_num_threads(), product.sum().item()

with workers.one_thread():
    torch.ones(300, 300) @ torch.ones(300, 300)
workers.begin_as_copies()
print(Parallel(n_jobs=2)(delayed(work)() for _ in range(4)))
"""


def start(**variables):
    environment = {**os.environ, **variables}
    words = [sys.executable, "-c", WORK]
    return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def test_each_worker_has_a_gpu_of_its_own_and_a_later_one_that_of_the_first_to_end():
    three = [start(CUDA_VISIBLE_DEVICES="4,7") for _ in range(3)]
    seen = [process.stdout.readline().strip() for process in three]
    assert sorted(seen) in (["4", "4", "7"], ["4", "7", "7"])
    for process in three:
        process.communicate()
    fourth = start(CUDA_VISIBLE_DEVICES="4,7")
    assert fourth.stdout.readline().strip() == "4"
    fourth.communicate()


def test_as_many_jobs_as_gpus_or_else_as_cores(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,GPU-5e,2")
    assert workers.local_jobs() == 3
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert workers.local_jobs() == workers.cores() >= 1


@pytest.mark.skipif(sys.platform != "linux" or find_spec("joblib") is None, reason="workers are no copies here")
def test_workers_are_copies_of_a_process_that_has_started_no_threads():
    threads = max(1, min(4, workers.cores() // 2))
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "4"}
    words = [sys.executable, "-c", COPIES]
    done = subprocess.run(words, capture_output=True, text=True, env=environment, timeout=120, check=True)
    assert done.stdout.strip() == str([(True, threads, 300.0**3)] * 4)
    assert not done.stderr


def test_nothing_of_the_workers_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(workers.tempfile, "gettempdir", lambda: str(tmp_path))
    others = tmp_path / "vae_exp-1-0.lock"
    for name in (f"vae_exp-{os.getpid()}-0.lock", f"vae_exp-{os.getpid()}-11.lock", others.name):
        (tmp_path / name).touch()
    workers.remove_slots()
    assert list(tmp_path.iterdir()) == [others]
