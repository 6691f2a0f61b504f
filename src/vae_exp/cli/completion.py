"""`vae-exp completion SHELL`: tab completion of verbs, options, groups and keys.

Hydra's own completion asks the program without its verb, and needs Hydra's import at each key press.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from vae_exp.cli import VERBS
from vae_exp.cli.catalog import groups
from vae_exp.cli.flags import config_folders
from vae_exp.cli.tree import compose_lightly
from vae_exp.errors import UserError

USAGE = 'eval "$(vae-exp completion bash)", or zsh; vae-exp completion fish | source'
_FLAGS = ("--cfg", "--config-dir", "--help", "--info", "--multirun")
_SCRIPTS = {
    # bash takes `=` for the end of a word, so what stands before it must not be given back.
    "bash": """_vae_exp() {
    local line="${COMP_LINE:0:COMP_POINT}"
    local word="${line##* }"
    local head=""
    [[ "$word" == *=* && "$COMP_WORDBREAKS" == *=* ]] && head="${word%"${word##*=}"}"
    local IFS=$'\\n'
    COMPREPLY=($(vae-exp completion query "$line" 2>/dev/null))
    COMPREPLY=("${COMPREPLY[@]#"$head"}")
    [[ ${#COMPREPLY[@]} == 1 && "${COMPREPLY[0]}" == *[=./] ]] && compopt -o nospace
}
complete -o default -F _vae_exp vae-exp
""",
    "zsh": """_vae_exp() {
    local -a found
    found=(${(f)"$(vae-exp completion query "$LBUFFER" 2>/dev/null)"})
    compadd -S '' -- $found
}
compdef _vae_exp vae-exp
""",
    "fish": """complete -c vae-exp -f -a '(vae-exp completion query (commandline -cp) 2>/dev/null)'
""",
}


def main(argv: list[str]) -> int:
    """Print a shell's script, or what can follow the line that such a script hands over."""
    shell, *rest = argv or [""]
    if shell == "query" and rest:
        print("\n".join(complete(rest[0])))
    elif shell in _SCRIPTS:
        print(_SCRIPTS[shell], end="")
    else:
        raise UserError(f"name a shell, one of {', '.join(_SCRIPTS)}")
    return 0


def complete(line: str) -> list[str]:
    """List what the last word of a command line can become.

    Args:
        line: From the program's name to the cursor.
    """
    words = _split(line)[1:]
    if len(words) < 2:
        return [verb for verb in VERBS if verb.startswith(words[0] if words else "")]
    verb, *before, word = words
    if verb not in VERBS:
        return []
    root = VERBS[verb].root
    if word.startswith("-"):
        return [flag for flag in _FLAGS if flag.startswith(word) and root]
    if root is None:
        return []
    try:
        folders, overrides = config_folders(before)
    except UserError:
        return []
    return sorted(text for text in _candidates(folders, root, overrides, word) if text.startswith(word))


def _split(line: str) -> list[str]:
    try:
        words = shlex.split(line)
    except ValueError:  # an open quote
        words = line.split()
    return [*words, ""] if line[-1:].isspace() else words


def _candidates(folders: list[Path], root: str, overrides: list[str], word: str) -> set[str]:
    offered = groups(folders)
    group, equals, _ = word.partition("=")
    if equals and group in offered:
        return {f"{group}={option.name}" for option in offered[group]}
    given = dict(text.split("=", 1) for text in overrides if text.partition("=")[0] in offered and "=" in text)
    keys = compose_lightly(folders, root, given).keys
    return {f"{name}=" for name in (*offered, *keys)}
