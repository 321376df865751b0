"""A broken rule, as people read it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One broken rule: where (``qa_list[3]``), of which attribute, what is wrong and what would be right."""

    path: str
    attribute: str
    what: str
    right: str

    def __str__(self) -> str:
        subject = f" ({self.attribute})" if self.attribute else ""
        return f"{self.path}{subject}: {self.what}; {self.right}"


@dataclass(frozen=True)
class Finding:
    """One broken rule in a file: which file, which identity, and the problem.

    Attributes:
        count: how often it is broken, where it is told once: in another's dataset, of which the first place is named.
    """

    file: str
    identity: str
    problem: Problem
    count: int = 1

    def __str__(self) -> str:
        more = f" ({self.count:,} times)" if self.count > 1 else ""
        return f"{', '.join(filter(None, (self.file, self.identity, str(self.problem))))}{more}"
