"""What decides where the parts of a build are made: the kind, and the registry of all of them.

>>> @register                                                                # doctest: +SKIP
... class Ours(Executor):
...     name, title = "ours", "Jobs of our own cluster."
...     def run(self, work, missing, workers): ...
"""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from fiubench.builder.pipeline.work import Work
from fiubench.builder.release.pieces import Range
from fiubench.support.registry import Registry

LOCAL = "local"


class Executor:
    """Makes parts somewhere. What is made does not depend on it.

    Attributes:
        name: that ``--executor`` takes.
        title: where it works, in a line.
        planned: whether its workers read the plan at ``work.location``; else they get it handed.
    """

    name: str
    title: str
    planned: bool = True

    def run(self, work: Work, missing: Sequence[Range], workers: int) -> Iterator[Range]:
        """Make the parts that are missing, with so many workers; yields each that is there, in any order.

        Raises:
            FiubenchError: one can't be made.
        """
        raise NotImplementedError


EXECUTORS: Registry[Executor] = Registry("executor", "executors", "fiubench.builder.pipeline.executors")
_E = TypeVar("_E", bound=type[Executor])


def register(executor: _E) -> _E:
    """Decorator that registers an executor.

    Raises:
        ConfigError: the name is taken.
    """
    EXECUTORS.add(executor.name, executor())
    return executor
