"""The few flags that verbs without Hydra take."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn

from vae_exp.config import paths
from vae_exp.errors import UserError

CONFIG_DIR = ("--config-dir", "-cd")


class Parser(argparse.ArgumentParser):
    """Of a verb's few words and flags; what is wrong with them is a sentence.

    Args:
        usage: What is shown behind it.
    """

    def __init__(self, usage: str) -> None:
        super().__init__(usage=usage, add_help=False, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; {self.usage}")


def config_folders(argv: list[str]) -> tuple[list[Path], list[str]]:
    """Take `--config-dir DIR` out of the command line.

    Returns:
        The folders of yaml files, the user's first, and the rest of the command line.

    Raises:
        UserError: The folder is missing or does not exist.
    """
    own: list[Path] = []
    rest: list[str] = []
    words = iter(argv)
    for word in words:
        flag, equals, value = word.partition("=")
        if flag in CONFIG_DIR:
            own.insert(0, Path(value if equals else next(words, "")))
        else:
            rest.append(word)
    for folder in own:
        if not folder.is_dir() or folder == Path():
            raise UserError(f"--config-dir {folder}: is not a folder")
    return [*own, paths.conf_dir()], rest
