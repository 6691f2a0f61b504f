"""`vae-exp --help`, `vae-exp VERB --help` and `vae-exp --version`."""

from __future__ import annotations

from importlib.metadata import version

from vae_exp.cli import VERBS
from vae_exp.cli.catalog import Option, groups, settings
from vae_exp.cli.flags import config_folders
from vae_exp.cli.layout import columns, heading
from vae_exp.cli.tree import compose_lightly

_EXAMPLES = (
    ("vae-exp train", "a small model on data that needs no download, in about a minute"),
    ("vae-exp train data=mnist loss.beta=4", "another data set, another value"),
    ("vae-exp train -m model.latent_dim=2,8 loss.beta=1,4", "a sweep: every combination"),
)
_FLAGS = (
    ("-m, --multirun", "run every combination of the values given with commas"),
    ("--cfg job", "print the configuration instead of running it"),
    ("--config-dir DIR", "read DIR before the shipped configuration (vae-exp init-conf DIR)"),
    ("--info", "print what Hydra knows: defaults list, plugins, search path"),
)


def main(argv: list[str]) -> int:
    """Print the help of the command or of a verb, or the version."""
    name, *rest = argv or ["--help"]
    if name == "--version":
        print(f"vae-exp {version('vae_exp')}")
    elif name in VERBS and VERBS[name].root is not None:
        print(_of_root(name, str(VERBS[name].root), rest))
    elif name in VERBS:
        print(_of_plain_verb(name))
    else:
        print(_of_command(rest))
    return 0


def _of_command(argv: list[str]) -> str:
    folders, _ = config_folders(argv)
    offered = groups(folders)
    return "\n".join(
        [
            heading("vae-exp") + " - experiments with variational autoencoders: data x model x loss",
            "",
            "usage: vae-exp VERB [key=value ...]",
            "",
            heading("Verbs"),
            columns((name, verb.about) for name, verb in VERBS.items()),
            "",
            *_groups(list(offered), compose_lightly(folders, "train", {}).chosen, offered),
            *_examples(),
            "",
            "`vae-exp VERB --help` tells more of a verb, `vae-exp info` of every option.",
        ]
    )


def _of_root(verb: str, root: str, argv: list[str]) -> str:
    folders, _ = config_folders([word for word in argv if word not in ("--help", "-h")])
    chosen = compose_lightly(folders, root, {}).chosen
    offered = {group: options for group, options in groups(folders).items() if group in chosen}
    keys = [key for key in settings(folders, root) if key.key not in chosen]
    lines = [f"{heading(f'vae-exp {verb}')} - {VERBS[verb].about}", ""]
    lines += [f"usage: vae-exp {verb} [flags] [group=option ...] [key=value ...]", ""]
    lines += [heading("Flags"), columns(_FLAGS), ""]
    lines += _groups([group for group in chosen if group in offered], chosen, offered) if offered else []
    if keys:
        lines += [heading("Keys")]
        lines += [columns((f"{key}={_short(value)}", about) for key, value, about in keys), ""]
    lines += _examples() if verb == "train" else []
    lines += ["", f"`vae-exp {verb} --cfg job` prints every key with its value."] if verb == "train" else []
    return "\n".join(lines).rstrip()


def _of_plain_verb(name: str) -> str:
    module = __import__(VERBS[name].module, fromlist=["USAGE"])
    lines = [f"{heading(f'vae-exp {name}')} - {VERBS[name].about}", "", f"usage: {module.USAGE}"]
    flags = getattr(module, "FLAGS", ())
    return "\n".join([*lines, "", heading("Flags"), columns(flags)] if flags else lines)


def _groups(order: list[str], chosen: dict[str, list[str]], offered: dict[str, list[Option]]) -> list[str]:
    rows = []
    for group in order:
        names = [option.name for option in offered[group]]
        rows.append((group, ", ".join(f"{name}*" if name in chosen.get(group, ()) else name for name in names)))
    return [heading("Groups") + ", each chosen by group=option (* is the default)", columns(rows), ""]


def _examples() -> list[str]:
    lines = [heading("Examples")]
    for command, about in _EXAMPLES:
        lines += [f"  {command}", f"      {about}"]
    return lines


def _short(value: str) -> str:
    return value if len(value) <= 24 else "..."
