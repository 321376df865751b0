"""How work in progress is reported."""

from collections.abc import Callable

#: Called with what is being done, the steps done and the steps in all.
Progress = Callable[[str, int, int], None]
#: Called with a line on what has been done.
Report = Callable[[str], None]


def silent(*_: object) -> None:
    """Report to nobody."""
