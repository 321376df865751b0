"""Names of splits, and which of them go together: ``forget05``, ``retain95``, ``retain_eval05``, ``retain_hard05``.

A percentage that is no whole number has a ``p`` for its point: ``forget2p5``, ``retain97p5``.
"""

import re
from dataclasses import dataclass

from fiubench.support.errors import ConfigError, did_you_mean

FULL, HOLDOUT = "full", "holdout"
FORGET, RETAIN, RETAIN_EVAL, RETAIN_HARD = "forget", "retain", "retain_eval", "retain_hard"
#: Of people with several pictures: those that are trained on, and those that are only asked about.
SEEN, UNSEEN = "seen", "unseen"
_EXAMPLES = (FULL, HOLDOUT, "forget05", "retain95", "retain_eval05", "retain_hard05")
#: What a name says of the size, as a pattern: two digits, or up to two decimals.
LABEL = "(?:[0-9]{1,2}|(?:0|[1-9][0-9]?)p[0-9]?[1-9])"
_LEAST = 0.01  # percent that a label can say
_DATASETS_SPLIT = re.compile(
    r"(?<![^-._ 0-9/])(train|training|validation|valid|dev|val|test|testing|eval|evaluation)(?![^-._ 0-9/])"
)
_NAME = re.compile(rf"({FORGET}|{RETAIN}|{RETAIN_EVAL}|{RETAIN_HARD})({LABEL})")


def label_of(percent: float) -> str:
    """A percentage as names hold it.

    >>> label_of(5), label_of(2.5)
    ('05', '2p5')
    """
    whole, _, decimals = f"{percent:.2f}".rstrip("0").partition(".")
    return f"{whole}p{decimals}" if decimals else f"{int(whole):02d}"


def share_label(count: int, people: int) -> str:
    """The share of some of the people as the name of a forget set holds it: neither nothing nor everything.

    >>> share_label(1, 3), share_label(1, 10**6)
    ('33p33', '0p01')
    """
    return label_of(min(max(100 * count / people, _LEAST), 100 - _LEAST))


def percent_of(label: str) -> float:
    """The percentage that a label stands for, a whole one as an integer."""
    return float(label.replace("p", ".")) if "p" in label else int(label)


@dataclass(frozen=True)
class SplitName:
    """The name of a split.

    >>> SplitName.parse("forget05").retain, SplitName.parse("forget05").retain_eval
    ('retain95', 'retain_eval05')
    """

    # ``forget``, ``retain`` (its complement), ``retain_eval`` (a sample of that, of the forget set's size),
    # ``retain_hard`` (those of it whose faces are nearest), ``full`` or ``holdout``
    kind: str
    label: str = ""  # percent of the identities (see :func:`label_of`); empty for ``full`` and ``holdout``

    @classmethod
    def parse(cls, name: str, where: object = "split") -> "SplitName":
        """The parts of a name.

        Raises:
            ConfigError: no split can have that name; the nearest one that can is suggested.
        """
        if match := _NAME.fullmatch(name):
            return cls(match[1], match[2])
        if name in (FULL, HOLDOUT):
            return cls(name)
        raise ConfigError(f"{name!r} is not the name of a split", where=where, hint=did_you_mean(name, _EXAMPLES))

    def __str__(self) -> str:
        return self.kind + self.label

    @property
    def retain(self) -> str:
        """The complement of this forget set.

        Raises:
            ConfigError: it is not a forget set; so for the other two.
        """
        return f"{RETAIN}{_rest(self._forgotten)}"

    @property
    def retain_eval(self) -> str:
        """The sample of the complement that this forget set is compared with."""
        return f"{RETAIN_EVAL}{self._forgotten}"

    @property
    def retain_hard(self) -> str:
        """Those of the complement whose faces are nearest to this forget set's."""
        return f"{RETAIN_HARD}{self._forgotten}"

    @property
    def forget(self) -> str | None:
        """The forget set that this retain set is the complement of; ``None`` for any other split."""
        return f"{FORGET}{_rest(self.label)}" if self.kind == RETAIN else None

    @property
    def _forgotten(self) -> str:
        if self.kind != FORGET:
            raise ConfigError(f"{str(self)!r} is not a forget set", where="forget", hint="For example forget05.")
        return self.label


def kind_of(name: str) -> str:
    """The kind of a split; a name that is none of ours is a kind of its own."""
    match = _NAME.fullmatch(name)
    return match[1] if match else name


def plain(name: str) -> str:
    """A name for a file or folder: without the words that ``datasets`` takes for a split where no card says otherwise.

    >>> plain("retain_eval05"), plain("forget05")
    ('retain_evals05', 'forget05')
    """
    return _DATASETS_SPLIT.sub(r"\1s", name)


def _rest(label: str) -> str:
    return label_of(100 - percent_of(label))
