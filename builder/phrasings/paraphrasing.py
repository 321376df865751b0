"""LLM paraphrasing: a model rewords every identity's questions and answers, around placeholders.

The model never sees a value, so that nothing it writes can depend on one. What it writes is held to the checks, with
the identity's own values filled in; what fails is sent back with the reason, and where it fails to the end, the
template stands.
"""

import itertools
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fiubench.builder.generation.identities import IdentityMaker
from fiubench.builder.generation.inputs import Inputs
from fiubench.builder.generation.paraphrases import Texts, paraphrased
from fiubench.builder.packs.model import A_VALUE, VALUE, Attribute
from fiubench.builder.phrasings.gate import Checks, distinct_problems, stated, tidy
from fiubench.builder.phrasings.prompts import about, drawn, messages, prompt_digest
from fiubench.builder.rules.pair import qa_problems
from fiubench.support.canonical import canonical_line
from fiubench.support.chat import Estimate, Limits, Outcome, Request
from fiubench.support.files import atomic_writer
from fiubench.support.progress import Progress

from fiubench import schemas

_SLICE = 20  # identities that are made at a time, between calls
GROUP = 6  # most attributes of one call
SCHEMA = "wordings_answer"
#: Tokens that one reworded item takes: six sentences in JSON, with room; and as most of them really are.
_MOST_TOKENS, _TYPICAL_TOKENS = 300, 130
_QUESTIONS = ("question", "question_2", "question_3", "question_4")
_ANSWERS = ("answer", "answer_2")


def digest() -> str:
    """SHA-256 of the prompts and the schema."""
    return prompt_digest("identity", schema=schemas.load(SCHEMA))


def groups(attributes: Sequence[Attribute]) -> list[list[Attribute]]:
    """The attributes that are asked about in one call: of one category, at most six, as even as can be."""
    by_category: dict[str, list[Attribute]] = {}
    for attribute in attributes:
        by_category.setdefault(attribute.category, []).append(attribute)
    made = []
    for members in by_category.values():
        parts = -(-len(members) // GROUP)
        edges = [len(members) * k // parts for k in range(parts + 1)]
        made += [members[a:b] for a, b in itertools.pairwise(edges)]
    return made


@dataclass
class GroupCheck:
    """Checks the answers to one call and keeps what passed; is asked again only for the rest."""

    record: Mapping[str, Any]
    attributes: Mapping[str, Attribute]
    checks: Checks
    accepted: dict[str, Texts] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def __call__(self, answer: Mapping[str, Any]) -> list[str]:
        """What is wrong with an answer, item by item."""
        problems: list[str] = []
        ids = Counter(item["id"] for item in answer["items"])
        for name in sorted(ids - Counter(list(self.attributes))):
            why = "is no item of these" if name not in self.attributes else "stands more than once"
            problems.append(f"id {name!r} {why}")
            self.counts["extra or repeated item"] += 1
        for item in answer["items"]:
            name = item["id"]
            if ids[name] != 1 or name not in self.attributes or name in self.accepted:
                continue
            texts = {"questions": [tidy(item[k]) for k in _QUESTIONS], "answers": [tidy(item[k]) for k in _ANSWERS]}
            found = self._item(name, texts)
            self.counts["item passed" if not found else "item failed"] += 1
            if found:
                self.reasons[name] = found[0]
                problems += [f"{name}: {problem}" for problem in found[:3]]
            else:
                self.accepted[name] = texts
        for name in self.attributes:
            if name not in ids and name not in self.accepted:
                problems.append(f"item {name!r} is missing")
                self.reasons[name] = "the model left it out"
                self.counts["missing item"] += 1
        return problems if len(self.accepted) < len(self.attributes) else []

    def _item(self, name: str, texts: Texts) -> list[str]:
        fields = [*zip(_QUESTIONS, texts["questions"], strict=True), *zip(_ANSWERS, texts["answers"], strict=True)]
        problems = [f"{place}: {p}" for place, t in fields[:4] for p in self.checks.question(name, t)]
        problems += [f"{place}: {p}" for place, t in fields[4:] for p in self.checks.answer(name, t)]
        problems += distinct_problems(dict(fields[:4])) + distinct_problems(dict(fields[4:]))
        return problems or self._with_values(name, texts)

    def _with_values(self, name: str, texts: Texts) -> list[str]:
        """The finished sentences: each states its value and no other, and the wrong ones differ in it alone."""
        record, attribute = self.record, self.attributes[name]
        old = next(qa for qa in record["qa_list"] if qa["attribute"] == name)
        text = record["profile"][name]["text"]
        qa = paraphrased(old, text, texts, attribute)
        if any(qa_problems({**record, "qa_list": [qa]})):
            return ["a word of it can be taken for the value or the person's name: choose other words"]
        if any(self.checks.sentence(name, *each) for each in stated(qa, text, attribute)):
            return ["with the value filled in it says something else: let {value} stand for itself"]
        return []


class ParaphraseJob:
    """The requests of one build: asked and written to ``wordings.jsonl``, estimated, or sent as a batch."""

    def __init__(self, inputs: Inputs, limits: Limits) -> None:
        self.config = config = inputs.config
        self.plan = inputs.plan()
        self.maker = IdentityMaker(self.plan, inputs.attributes)
        self.groups = groups(self.maker.profiles.asked)
        self.checks = Checks.of(self.maker.profiles)
        self.schema = schemas.load(SCHEMA)
        sampling = {"temperature": config.temperature}
        self.client = limits.client(config.base_url, config.model, sampling, inputs.fingerprint())
        self._attempts = 0
        self._tokens = (0, 0)
        self._models: set[str] = set()
        self._counts: Counter[str] = Counter()

    def requests(self) -> Iterator[Request]:
        """One request per identity and group, identities in order."""
        for start in range(0, self.plan.size, _SLICE):
            for record in self.maker.make(start, min(start + _SLICE, self.plan.size)):
                for number, group in enumerate(self.groups):
                    yield self._request(record, number, group)

    def estimate(self) -> Estimate:
        """What is still to be asked; makes no call."""
        per_call = sum(map(len, self.groups)) * _TYPICAL_TOKENS // len(self.groups)
        return self.client.estimate(self.requests(), per_call)

    def write(self, path: Path, progress: Progress | None = None) -> dict[str, Any]:
        """Ask, and write ``wordings.jsonl``; returns what the manifest records of it, the same from cache and server.

        Raises:
            ChatError: the server can't be asked on or a limit is reached; what was answered is in the cache.
        """
        with atomic_writer(path) as file:
            for line in self._lines(self.client.ask_all(self.requests())):
                file.write(canonical_line(line))
                if progress:
                    progress(f"Paraphrasing: {self.client.spending}", line["index"] + 1, self.plan.size)
        return {
            "model": self.config.model,
            "server_models": sorted(self._models),
            "base_url": self.config.base_url,
            "prompt_sha256": digest(),
            "sampling": dict(self.client.server.sampling),
            "attempts": self._attempts,
            "tokens": dict(zip(("prompt", "completion"), self._tokens, strict=True)),
            "counts": dict(sorted(self._counts.items())),
        }

    def _request(self, record: Mapping[str, Any], number: int, group: Sequence[Attribute]) -> Request:
        index = record["index"]
        pairs = {qa["attribute"]: qa for qa in record["qa_list"]}
        items = [
            {
                "id": attribute.name,
                "about": about(attribute),
                "question": pairs[attribute.name]["question"],
                "answer": attribute.answers[int(pairs[attribute.name]["phrasings"]["answer"][1:])],
            }
            for attribute in group
        ]
        voice, seed = drawn(self.config.seed, f"wording.{number}", index)
        listed = "\n".join(json.dumps(item, ensure_ascii=False).replace(A_VALUE, VALUE) for item in items)
        asked = messages("identity", count=len(items), voice=voice, items=listed)
        check = GroupCheck(record, {attribute.name: attribute for attribute in group}, self.checks)
        most = 100 + _MOST_TOKENS * len(group)
        return Request(f"{index}.{number}", asked, self.schema, check, seed=seed, max_tokens=most)

    def _lines(self, outcomes: Iterable[Outcome]) -> Iterator[dict[str, Any]]:
        """One line per identity, from the outcomes of :meth:`requests` in order."""
        items: dict[str, Texts] = {}
        fallback: dict[str, str] = {}
        for number, outcome in enumerate(outcomes):
            check = outcome.request.check
            assert isinstance(check, GroupCheck)
            items |= check.accepted
            why = outcome.problems[0] if outcome.problems else ""
            fallback |= {n: check.reasons.get(n, why) for n in check.attributes if n not in check.accepted}
            self._count(outcome, check)
            if number % len(self.groups) == len(self.groups) - 1:
                yield {"index": check.record["index"], "items": items, "fallback": fallback}
                items, fallback = {}, {}

    def _count(self, outcome: Outcome, check: GroupCheck) -> None:
        self._attempts += len(outcome.attempts)
        self._tokens = (self._tokens[0] + outcome.tokens[0], self._tokens[1] + outcome.tokens[1])
        self._models |= {attempt.model for attempt in outcome.attempts}
        self._counts += check.counts
        self._counts += Counter(f"answer {a.kind}" for a in outcome.attempts if a.problems and a.kind != "wrong")
