import subprocess
import sys
import textwrap

import pytest

from vae_exp.config import paths


@pytest.fixture
def vae_exp():
    """Run the command in a process of its own."""

    def run(*words, **options):
        command = [sys.executable, "-m", "vae_exp", *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, **options)

    return run


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A small root, the shipped one as far as the command can see, and a working folder to run it in."""
    conf = tmp_path / "conf"
    (conf / "loss").mkdir(parents=True)
    (conf / "loss" / "elbo.yaml").write_text("# The bound.\n# A paper\nbeta: 1\n")
    (conf / "loss" / "mine.yaml").write_text("beta: 2\n")
    root = """
        defaults:
          - loss: elbo
          - _self_
        seed: 0
        schedule: {_target_: vae_exp.schedules.Constant}
        run_dir: ${hydra:runtime.output_dir}
        hydra:
          run: {dir: out}
          sweep: {dir: sweep, subdir: '${hydra.job.num}'}
        """
    (conf / "toy.yaml").write_text(textwrap.dedent(root))
    monkeypatch.setattr(paths, "conf_dir", lambda: conf)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work
