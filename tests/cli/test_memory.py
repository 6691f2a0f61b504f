"""Memory of freed tensors stays with the process."""

import os
import platform
import subprocess
import sys

import pytest

from vae_exp.cli.memory import SETTINGS

PAGES_OF_A_LOOP = """
import resource, sys
from vae_exp.cli.memory import keep_freed
import torch
if sys.argv[1] == "keep":
    keep_freed()
def loop():
    for _ in range(20):
        torch.ones(10_000_000)
loop()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
loop()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def pages(way: str, **more: str) -> int:
    env = {name: value for name, value in os.environ.items() if name not in SETTINGS} | more
    words = [sys.executable, "-c", PAGES_OF_A_LOOP, way]
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=120, check=True)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries are left alone")
def test_no_page_is_asked_for_anew_but_where_the_user_has_chosen():
    assert pages("keep") < 100 < pages("leave")
    assert pages("keep", MALLOC_MMAP_THRESHOLD_="100000") > 100
