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
