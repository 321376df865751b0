"""What a build's parts are made from, and where they lie."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from fiubench.builder.generation.inputs import Inputs
from fiubench.builder.generation.pairing import Plan
from fiubench.builder.generation.paraphrases import Paraphrases
from fiubench.builder.release.pieces import Cut, Range
from fiubench.support.canonical import digest_of, file_digest

FOLDER = ".build"
PARTS = "parts"


@dataclass(frozen=True)
class Work:
    """Everything that a part is a pure function of, with its range.

    Attributes:
        folder: where the parts lie.
        parts: the ranges that the identities are made in.
        splits: the content of ``splits.json``; nothing where parts have records and pictures alone.
        cut: the same, in arrays; ``None`` likewise.
        origin: what a manifest says of where the paraphrases are from.
        location: where others read the plan and leave their parts, once it is saved: the dataset's folder, or an URL.
    """

    inputs: Inputs
    plan: Plan
    folder: Path
    parts: Sequence[Range]
    splits: Mapping[str, Any] = field(default_factory=dict)
    cut: Cut | None = None
    paraphrases: Paraphrases | None = None
    origin: Mapping[str, Any] = field(default_factory=dict)
    location: str = ""

    @cached_property
    def fingerprint(self) -> str:
        """Digest of all that decides the bytes of the parts."""
        words = None if self.paraphrases is None else file_digest(self.paraphrases.path)
        return digest_of([self.inputs.fingerprint(), words])

    @cached_property
    def asked(self) -> list[str]:
        """The attributes that people are asked about."""
        return [attribute.name for attribute in self.inputs.attributes.asked(self.inputs.config.questions)]

    def path(self, part: Range) -> Path:
        """The folder of a part."""
        return self.folder / PARTS / name_of(part)


def name_of(part: Range) -> str:
    """What a part is called: the numbers of its first identity and of the one after its last."""
    return f"{part[0]:09d}-{part[1]:09d}"
