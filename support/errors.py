"""The one family of exceptions that a person gets to read."""

import difflib
from collections.abc import Iterable


class FiubenchError(Exception):
    """Something the user can mend: what is wrong, where, and how to mend it.

    The command line prints ``str(error)`` as its only message and exits with ``exit_code``.

    Args:
        what: one sentence on what is wrong, with the offending value.
        where: file, row, field or option it is about.
        hint: what to do about it.
    """

    exit_code = 2

    def __init__(self, what: str, *, where: object = "", hint: str = "") -> None:
        self.what = what
        self.where = str(where)
        self.hint = hint
        super().__init__(what)

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}\n  {self.hint}" if self.hint else text


class ConfigError(FiubenchError):
    """A setting, flag or configuration file that can't be used."""


class SourceError(FiubenchError):
    """A raw file or folder that can't be read as the source it is meant to be."""


class PackError(FiubenchError):
    """An attribute pack that is not valid, or that refers to what does not exist."""


class DatasetError(FiubenchError):
    """A dataset directory or file that can't be read or written."""


class HubError(FiubenchError):
    """A hub that can't be reached, does not know what is asked for, or does not permit it."""


class Refused(FiubenchError):
    """What was asked for would break a promise, such as that a published release never changes."""

    exit_code = 1


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint naming the nearest known word, or all of them when none is near."""
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if near:
        return f"Did you mean {near[0]!r}?"
    return f"Known: {', '.join(names)}." if names else "There are none: leave it out."
