"""The command `vae-exp`. A verb's module is imported when the verb is given, so that `--help` answers at once."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import NamedTuple

from vae_exp.cli.failure import sentence, wants_traceback
from vae_exp.config.nearest import nearest
from vae_exp.errors import UserError


class Verb(NamedTuple):
    """One verb.

    Args:
        module: Has `main(argv: list[str]) -> int | None`; argv is what follows the verb.
        about: Its line in `--help`.
        root: The root configuration that it takes overrides for; None where it takes none.
    """

    module: str
    about: str
    root: str | None = None


VERBS = {
    "train": Verb("vae_exp.cli.train", "train one model, or with -m a sweep of models", "train"),
    "evaluate": Verb("vae_exp.cli.evaluate", "measure a trained run again: likelihood, metrics, pictures", "evaluate"),
    "sample": Verb("vae_exp.cli.sample", "draw pictures from a trained run", "sample"),
    "recommend": Verb("vae_exp.cli.recommend", "rank items for users by a trained run", "recommend"),
    "augment": Verb("vae_exp.cli.augment", "write more labelled examples like those of a trained run", "augment"),
    "status": Verb("vae_exp.cli.status", "what became of the runs of a sweep, while it runs and afterwards"),
    "report": Verb("vae_exp.cli.report", "write a web page about a run, or about all runs of a sweep"),
    "info": Verb("vae_exp.cli.info", "list every option with its paper, the versions, the devices"),
    "init-conf": Verb("vae_exp.cli.init_conf", "copy the configuration to a folder of yours, to edit it"),
    "completion": Verb("vae_exp.cli.completion", "print the tab completion for bash, zsh or fish"),
}


def main(argv: list[str] | None = None) -> int:
    """Run a verb; returns the exit code.

    Args:
        argv: The command line after the name of the program; None reads `sys.argv`.
    """
    given = sys.argv[1:] if argv is None else argv
    try:
        return _run(given) or 0
    except KeyboardInterrupt:
        print("vae-exp: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `vae-exp info | head`
        sys.stderr.close()
        return 0
    except Exception as error:
        if wants_traceback():
            raise
        name = f"vae-exp {given[0]}" if given and given[0] in VERBS else "vae-exp"
        print(f"{name}: {sentence(error)}", file=sys.stderr)
        return 1


def _run(argv: list[str]) -> int | None:
    name, rest = (argv[0], argv[1:]) if argv else ("--help", [])
    answer: int | None = None
    if name in ("--help", "-h", "--version"):
        answer = import_module("vae_exp.cli.help").main(argv)
    elif name not in VERBS:
        close = nearest(name, VERBS)
        hint = f"did you mean {close}?" if close else f"the verbs are {', '.join(VERBS)}"
        raise UserError(f"{name} is not a verb; {hint}")
    elif "--help" in rest or "-h" in rest:
        answer = import_module("vae_exp.cli.help").main([name, *rest])
    else:
        answer = import_module(VERBS[name].module).main(rest)
    return answer
