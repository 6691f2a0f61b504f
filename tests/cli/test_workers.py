"""Processes that share a machine."""

import os
import subprocess
import sys

from vae_exp.cli import workers

WORK = """
import os, sys
from vae_exp.cli.workers import settle
settle()
print(os.environ.get("CUDA_VISIBLE_DEVICES"), flush=True)
sys.stdin.read()
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
