"""LLM paraphrasing: a model rewords every identity's questions and answers, around placeholders.

The model never sees a value, so that nothing it writes can depend on one. What it writes is held to the checks, with
the identity's own values filled in; what fails is sent back with the reason, and where it fails to the end, the
template stands. How much is asked in one call follows from what the model can do.
"""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from fiubench.builder.generation.identities import IdentityMaker
from fiubench.builder.generation.inputs import Inputs
from fiubench.builder.generation.paraphrases import Texts
from fiubench.builder.phrasings import items, sentences
from fiubench.builder.phrasings.gate import Checks
from fiubench.builder.phrasings.items import GroupCheck, groups
from fiubench.builder.phrasings.prompts import prompt_digest
from fiubench.builder.phrasings.sentences import SentenceCheck
from fiubench.support.canonical import canonical_line
from fiubench.support.chat import Estimate, Limits, Outcome, Request
from fiubench.support.files import atomic_writer
from fiubench.support.progress import Progress

from fiubench import schemas

_SLICE = 20  # identities that are made at a time, between calls
AUTO, GROUP, ITEM, SENTENCE = "auto", "group", "item", "sentence"
_TRIED = {GROUP: 1, ITEM: 3}  # requests of the first identity that show whether a model can do it
_ENOUGH = 0.5  # share of their items that pass


def digest() -> str:
    """SHA-256 of the prompts and the schema."""
    return prompt_digest("identity", "sentence", schema=schemas.load(items.SCHEMA))


class ParaphraseJob:
    """The requests of one build: asked and written to ``wordings.jsonl``, estimated, or sent as a batch."""

    def __init__(self, inputs: Inputs, limits: Limits) -> None:
        self.config = config = inputs.config
        self.plan = inputs.plan()
        self.maker = IdentityMaker(self.plan, inputs.attributes)
        self.checks = Checks.of(self.maker.profiles)
        sampling = {"temperature": config.temperature}
        self.client = limits.client(config.base_url, config.model, sampling, inputs.fingerprint())
        self._attempts = 0
        self._tokens = (0, 0)
        self._models: set[str] = set()
        self._counts: Counter[str] = Counter()

    def requests(self) -> Iterator[Request]:
        """The requests for all identities in order, as many for each; nothing is sent to find out how much to ask."""
        yield from self._requests(self.granularity(asks=False))

    def granularity(self, *, asks: bool) -> str:
        """How much is asked in one call: as the config says, or as much as the model can do.

        The first requests of a kind, which are asked (or looked up in the cache, where ``asks`` is false), show that.
        """
        if self.config.granularity != AUTO:
            return self.config.granularity
        for granularity, tried in _TRIED.items():
            trial = list(itertools.islice(self._requests(granularity), tried))
            if asks:
                list(self.client.ask_all(trial))
            elif any(self.client.missing(request) for request in trial):
                return granularity  # not tried yet
            checks = [_check_of(request) for request in trial]
            if sum(len(check.accepted) for check in checks) >= _ENOUGH * sum(len(c.attributes) for c in checks):
                return granularity
        return SENTENCE

    def _requests(self, granularity: str) -> Iterator[Request]:
        for start in range(0, self.plan.size, _SLICE):
            for record in self.maker.make(start, min(start + _SLICE, self.plan.size)):
                yield from self._of_identity(record, granularity)

    def _of_identity(self, record: Mapping[str, Any], granularity: str) -> Iterator[Request]:
        there = {qa["attribute"] for qa in record["qa_list"]}  # not everybody has a spouse
        seed, asked = self.config.seed, [a for a in self.maker.profiles.asked if a.name in there]
        if granularity == SENTENCE:
            for attribute in asked:
                for kind in sentences.WANTED:
                    yield sentences.request(record, attribute, kind, self.checks, seed)
        elif granularity == ITEM:
            for attribute in asked:
                yield items.request(record, f"item.{attribute.name}", [attribute], self.checks, seed)
        else:
            for number, group in enumerate(groups(asked)):
                yield items.request(record, str(number), group, self.checks, seed)

    def estimate(self) -> Estimate:
        """What is still to be asked; makes no call."""
        granularity, asked = self.granularity(asks=False), self.maker.profiles.asked
        per_call = {
            GROUP: len(asked) * items.TYPICAL_TOKENS // len(groups(asked)),
            ITEM: items.TYPICAL_TOKENS,
            SENTENCE: sentences.TYPICAL_TOKENS,
        }
        return self.client.estimate(self._requests(granularity), per_call[granularity])

    def write(self, path: Path, progress: Progress | None = None) -> dict[str, Any]:
        """Ask, and write ``wordings.jsonl``; returns what the manifest records of it, the same from cache and server.

        Raises:
            ChatError: the server can't be asked on or a limit is reached; what was answered is in the cache.
        """
        granularity = self.granularity(asks=True)
        with atomic_writer(path) as file:
            for line in self._lines(self.client.ask_all(self._requests(granularity))):
                file.write(canonical_line(line))
                if progress:
                    progress(f"Paraphrasing: {self.client.spending}", line["index"] + 1, self.plan.size)
        return {
            "model": self.config.model,
            "server_models": sorted(self._models),
            "base_url": self.config.base_url,
            "prompt_sha256": digest(),
            "sampling": dict(self.client.server.sampling),
            "granularity": granularity,
            "attempts": self._attempts,
            "tokens": dict(zip(("prompt", "completion"), self._tokens, strict=True)),
            "counts": dict(sorted(self._counts.items())),
        }

    def _lines(self, outcomes: Iterable[Outcome]) -> Iterator[dict[str, Any]]:
        """One line per identity, from the outcomes of its requests in order."""
        for index, own in itertools.groupby(outcomes, key=lambda outcome: _check_of(outcome.request).record["index"]):
            worded: dict[str, Texts] = {}
            reasons: dict[str, str] = {}
            for outcome in own:
                check = _check_of(outcome.request)
                why = outcome.problems[0] if outcome.problems else ""
                reasons = {**{name: check.reasons.get(name, why) for name in check.attributes}, **reasons}
                for name, texts in check.accepted.items():
                    worded[name] = _together(worded.get(name, texts), texts)
                self._count(outcome, check)
            by_template = [name for name in reasons if name not in worded or worded[name]["questions"][0] is None]
            yield {"index": index, "items": worded, "fallback": {name: reasons[name] for name in by_template}}

    def _count(self, outcome: Outcome, check: GroupCheck | SentenceCheck) -> None:
        self._attempts += len(outcome.attempts)
        self._tokens = (self._tokens[0] + outcome.tokens[0], self._tokens[1] + outcome.tokens[1])
        self._models |= {attempt.model for attempt in outcome.attempts}
        self._counts += check.counts
        self._counts += Counter(f"answer {a.kind}" for a in outcome.attempts if a.problems and a.kind != "wrong")


def _check_of(request: Request) -> GroupCheck | SentenceCheck:
    """What a request's answers were held to."""
    check = request.check
    assert isinstance(check, (GroupCheck, SentenceCheck))
    return check


def _together(texts: Texts, more: Texts) -> Texts:
    """The sentences of both: questions and answers of a pair may come apart."""
    return {
        kind: [old if new is None else new for old, new in zip(texts[kind], more[kind], strict=True)] for kind in texts
    }
