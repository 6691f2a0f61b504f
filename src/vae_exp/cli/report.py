"""vae-exp report: a page about a run, or about all runs of sweeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from vae_exp.cli.catalog import groups
from vae_exp.cli.failure import writing
from vae_exp.cli.flags import Parser, config_folders
from vae_exp.errors import UserError
from vae_exp.files import write_whole

USAGE = "vae-exp report DIR [DIR ...] [--out FILE] [--metric NAME] [--maximize] [--config-dir DIR]"
FLAGS = (
    ("--out FILE", "write the page to FILE, in the place of DIR/report/index.html"),
    ("--metric NAME", "compare runs by this figure, in the place of sweep.metric"),
    ("--maximize", "let its highest value be the best"),
    ("--config-dir DIR", "read what options and figures of your own mean from DIR"),
)
PAGE = Path("report", "index.html")
Abouts = Mapping[str, Mapping[str, str]]


def main(argv: list[str]) -> int:
    """Write the page of a run or of sweeps: DIR/report/index.html, report/index.html for several, or --out."""
    folders, rest = config_folders(argv)
    parser = Parser(USAGE)
    parser.add_argument("dirs", nargs="*")
    parser.add_argument("--out")
    parser.add_argument("--metric")
    parser.add_argument("--maximize", action="store_true")
    given = parser.parse_args(rest)
    dirs = [Path(word.removeprefix("run=")) for word in given.dirs]
    if not dirs:
        raise UserError(f"give the folder of a run or of a sweep: {USAGE}")
    out = Path(given.out) if given.out is not None else dirs[0] / PAGE if len(dirs) == 1 else PAGE
    if out.is_dir():
        raise UserError(f"--out {out} is a folder; name a file, such as {out / 'index.html'}")
    # What follows takes most of a second to import, and --help and refusals should not.
    from vae_exp.report.sweep.runs import is_single

    abouts = {group: {o.name: o.about for o in options} for group, options in groups(folders).items()}
    if len(dirs) == 1 and is_single(dirs[0]):
        if given.metric is not None or given.maximize:
            raise UserError(f"--metric and --maximize are for sweeps, and {dirs[0]} is one run")
        files = {out: _run(dirs[0], abouts, folders)}
    else:
        files = _sweep(dirs, abouts, folders, (given.metric, given.maximize), out)
    for path, content in files.items():
        with writing(str(path), "; name another file by --out"):
            write_whole(path, content)
        print(path)
    return 0


def _run(run: Path, abouts: Abouts, folders: Sequence[Path]) -> str:
    from vae_exp.report.record import read_record
    from vae_exp.report.run_page import run_page

    return run_page(read_record(run), abouts, folders)


def _sweep(
    dirs: Sequence[Path], abouts: Abouts, folders: Sequence[Path], objective: tuple[str | None, bool], out: Path
) -> dict[Path, str]:
    from vae_exp.report.meanings import read_meanings
    from vae_exp.report.sweep.objective import first_config, metrics_of, objective_of
    from vae_exp.report.sweep.runs import read_runs
    from vae_exp.report.sweep.sweep_page import sweep_report
    from vae_exp.sweeps.objective import hint

    config = first_config(dirs)
    chosen, meanings = objective_of(config, *objective), read_meanings(folders, metrics_of(config))
    runs = read_runs(dirs, chosen.metric)
    done = [run for run in runs if run.state == "done"]
    if objective[0] is not None and done and not any(chosen.of(run) for run in done):
        raise UserError(f"--metric {chosen.metric}: no run has it{hint(chosen.metric, done[0].figures)}")
    report = sweep_report(runs, dirs, chosen, abouts, meanings, out)
    beside = {"runs.csv": report.csv, **report.plots}
    return {out: report.page, **{out.with_name(name): content for name, content in beside.items()}}
