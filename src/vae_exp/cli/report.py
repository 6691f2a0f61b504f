"""vae-exp report: a page about a run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn

from vae_exp.cli.catalog import groups
from vae_exp.cli.flags import config_folders
from vae_exp.errors import UserError
from vae_exp.files import write_whole

USAGE = "vae-exp report RUN [--out FILE] [--config-dir DIR]"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; {USAGE}")


def main(argv: list[str]) -> int:
    """Write the page of a run, RUN/report/index.html unless --out says otherwise."""
    folders, rest = config_folders(argv)
    parser = _Parser(prog="vae-exp report", add_help=False, allow_abbrev=False)
    parser.add_argument("run", nargs="*")
    parser.add_argument("--out")
    given = parser.parse_args(rest)
    run = _one_run([Path(word.removeprefix("run=")) for word in given.run])
    out = Path(given.out) if given.out is not None else run / "report" / "index.html"
    if out.is_dir():
        raise UserError(f"--out {out} is a folder; name a file, such as {out / 'index.html'}")
    # What follows takes most of a second to import, and --help and refusals should not.
    from vae_exp.report.record import read_record
    from vae_exp.report.run_page import run_page

    abouts = {group: {o.name: o.about for o in options} for group, options in groups(folders).items()}
    page = run_page(read_record(run), abouts, folders)
    try:
        write_whole(out, page)
    except OSError as error:
        raise UserError(f"{out} cannot be written: {error.strerror}; name another file by --out") from error
    print(out)
    return 0


def _one_run(given: list[Path]) -> Path:
    """The run to report, of what the user named.

    Raises:
        UserError: It is none, or more than one.
    """
    if len(given) != 1:
        raise UserError(f"give one run's folder, not {len(given)}: {USAGE}")
    [folder] = given
    runs = sorted(path.parents[1] for path in folder.glob("*/.hydra/config.yaml"))
    if runs and not (folder / ".hydra" / "config.yaml").is_file():
        raise UserError(
            f"{folder} is a folder of runs ({len(runs)} of them), and a page is of one; give one, such as {runs[0]}"
        )
    return folder
