"""``build --qa llm``: a model paraphrases the questions and answers before any part is made."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fiubench.builder.generation.identities import IdentityMaker
from fiubench.builder.phrasings.gate import Checks, Subject
from fiubench.builder.phrasings.paraphrasing import TYPICAL_TOKENS, Paraphraser, digest
from fiubench.support.canonical import canonical_line
from fiubench.support.chat import Estimate, Limits, Request
from fiubench.support.files import atomic_writer
from fiubench.support.progress import Progress

if TYPE_CHECKING:
    from fiubench.builder.generation.inputs import Inputs

_SLICE = 20  # identities that are made at a time, between calls


class ParaphraseJob:
    """The requests of one build: asked and written to ``wordings.jsonl``, estimated, or sent as a batch."""

    def __init__(self, inputs: "Inputs", limits: Limits) -> None:
        self.config = config = inputs.config
        self.plan = inputs.plan()
        self.maker = IdentityMaker(self.plan, inputs.attributes)
        asked = self.maker.profiles.asked
        reference = self.maker.profiles.reference
        checks = Checks(Subject(a, tuple(dict.fromkeys(reference[a.name].text))) for a in asked)
        self.paraphraser = Paraphraser(asked, checks, config.seed)
        self.client = limits.client(
            config.base_url, config.model, {"temperature": config.temperature}, inputs.fingerprint()
        )

    def requests(self) -> Iterator[Request]:
        """Every request, identities in order."""
        return self.paraphraser.requests(self._records())

    def _records(self) -> Iterator[dict[str, Any]]:
        for start in range(0, self.plan.size, _SLICE):
            yield from self.maker.make(start, min(start + _SLICE, self.plan.size))

    def write(self, path: Path, progress: Progress | None = None) -> dict[str, Any]:
        """Ask, and write ``wordings.jsonl``; returns what the manifest records of it.

        Raises:
            ChatError: the server can't be asked on or a limit is reached; what was answered is in the cache.
        """
        with atomic_writer(path) as file:
            for line in self.paraphraser.lines(self.client.ask_all(self.requests())):
                file.write(canonical_line(line))
                if progress:
                    progress(f"Wording: {self.client.spent()}", line["index"] + 1, self.plan.size)
        return {
            "model": self.config.model,
            "base_url": self.config.base_url,
            "prompt_sha256": digest(),
            "sampling": dict(self.client.server.sampling),
            **self.paraphraser.tally(),
        }

    def estimate(self) -> Estimate:
        """What is still to be asked; makes no call."""
        per_call = sum(map(len, self.paraphraser.groups)) * TYPICAL_TOKENS // len(self.paraphraser.groups)
        return self.client.estimate(self.requests(), per_call)
