"""The wheel: everything that the command needs is in it."""

from __future__ import annotations

import site
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
import torch

from .commands import TINY, figures, own_process

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # hatchling itself builds, in this environment: pip would download it again.
    code = f"from hatchling.build import build_wheel; build_wheel({str(folder)!r})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    if "No module named 'hatchling'" in done.stderr:
        pytest.skip("hatchling is not installed")
    assert done.returncode == 0, done.stderr
    [file] = folder.glob("*.whl")
    return file


def test_the_wheel_has_every_file(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    conf = {f"vae_exp/conf/{path.relative_to(ROOT / 'conf')}" for path in (ROOT / "conf").rglob("*.yaml")}
    source = {str(path.relative_to(ROOT / "src")) for path in (ROOT / "src").rglob("*.py")}
    templates = {str(path.relative_to(ROOT / "src")) for path in (ROOT / "src").glob("vae_exp/report/templates/*")}
    assert templates
    assert conf | source | templates <= names
    assert {name for name in names if not name.startswith(("vae_exp", "hydra_plugins/vae_exp_"))} == set()
    assert not [name for name in names if "__pycache__" in name]


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """A program for the unpacked wheel: the checkout's own installation is not on its path."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    # -S leaves out the editable installation, which is a .pth file in site-packages.
    packages = [sysconfig.get_paths()["purelib"], *site.getsitepackages()]
    start = f"import sys; sys.path[:0] = [{str(folder)!r}]; sys.path += {packages!r}"
    program = folder / "start.py"
    program.write_text(
        f"{start}\nimport vae_exp\nassert vae_exp.__file__.startswith({str(folder)!r})\n"
        "from vae_exp.cli import main\nraise SystemExit(main())\n"
    )
    return (sys.executable, "-S", str(program))


@pytest.mark.slow
def test_the_installed_command_works_in_an_empty_folder(installed, tmp_path):
    done = own_process("train", *TINY, "trainer.max_epochs=1", cwd=tmp_path, program=installed)
    assert done.returncode == 0, done.stderr
    [run] = tmp_path.glob("outputs/*/*")
    assert (run / "images" / "samples.png").is_file()
    done = own_process("info", cwd=tmp_path, program=installed)
    assert done.returncode == 0
    assert str(Path(installed[-1]).parent / "vae_exp" / "conf") in done.stdout
    done = own_process("sample", f"run={run}", "num=4", "out=x.png", cwd=tmp_path, program=installed)
    assert done.returncode == 0, done.stderr


LOSS = '''
from vae_exp.losses.elbo import ELBO
from vae_exp.types import LossOutput, Positive


class Scaled(ELBO):
    """A multiple of the bound."""

    def __init__(self, *, factor: Positive, **elbo) -> None:
        super().__init__(**elbo)
        self.factor = factor

    def forward(self, out, batch, ctx) -> LossOutput:
        result = super().forward(out, batch, ctx)
        return LossOutput(self.factor * result.loss, result.terms)
'''
DATA = '''
import torch

from vae_exp.data.table import Table


def stripes(*, count: int):
    """Stripes of random widths."""
    width = torch.randint(1, 9, (count, 1, 1, 1), generator=torch.Generator().manual_seed(0))
    return {"train": Table((torch.arange(8) < width).to(torch.uint8).mul(255).expand(-1, 1, 8, -1).contiguous(), None)}
'''


@pytest.mark.slow
def test_parts_of_the_users_own_package(installed, tmp_path):
    package, conf = tmp_path / "my_package", tmp_path / "my_conf"
    for folder in (package, conf / "loss", conf / "data"):
        folder.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "loss.py").write_text(LOSS)
    (package / "data.py").write_text(DATA)
    (conf / "loss" / "mine.yaml").write_text(
        "defaults: [elbo, _self_]\n_target_: my_package.loss.Scaled\nfactor: 0.5\n"
    )
    (conf / "data" / "mine.yaml").write_text(
        "defaults: [_base, _self_]\ndataset: {_target_: my_package.data.stripes, _partial_: true, count: 300}\n"
    )
    words = ("train", "--config-dir", "my_conf", *TINY[1:], "data=mine", "loss=mine", "hydra.run.dir=run")
    own = {"PYTHONPATH": str(tmp_path)}
    done = own_process(*words, cwd=tmp_path, program=installed, **own)
    assert done.returncode == 1
    assert "trusted_packages=[my_package]" in done.stderr
    assert not (tmp_path / "run").exists()
    done = own_process(*words, "trusted_packages=[my_package]", cwd=tmp_path, program=installed, **own)
    assert done.returncode == 0, done.stderr
    before = figures(tmp_path / "run")
    assert torch.tensor(before["test/nelbo_bce"]).isfinite()
    trusted = ("trusted_packages=[my_package]", "evaluation.num_importance_samples=5")
    done = own_process("evaluate", "run=run", *trusted, cwd=tmp_path, program=installed, **own)
    assert done.returncode == 0, done.stderr
    assert figures(tmp_path / "run") == before
    done = own_process("info", "--config-dir", "my_conf", "loss", cwd=tmp_path, program=installed, **own)
    assert "mine" in done.stdout
