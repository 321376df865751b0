"""Items, whole QA pairs that a model rewords in JSON: several in one call, or one; each passes whole or not at all."""

import itertools
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fiubench.builder.generation.paraphrases import Texts, paraphrased
from fiubench.builder.packs.model import A_VALUE, VALUE, Attribute
from fiubench.builder.phrasings.gate import Checks, distinct_problems, stated, tidy
from fiubench.builder.phrasings.prompts import about, drawn, messages
from fiubench.builder.rules.pair import qa_problems
from fiubench.support.chat import Request

from fiubench import schemas

GROUP = 6  # most attributes of one call
SCHEMA = "wordings_answer"
#: Tokens that one reworded item takes: six sentences in JSON, with room; and as most of them really are.
_MOST_TOKENS, TYPICAL_TOKENS = 300, 130
_QUESTIONS = ("question", "question_2", "question_3", "question_4")
_ANSWERS = ("answer", "answer_2")


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


def request(record: Mapping[str, Any], number: str, group: Sequence[Attribute], checks: Checks, seed: int) -> Request:
    """The request to reword some attributes of an identity; ``number`` tells it from others of the same."""
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
    voice, own_seed = drawn(seed, f"wording.{number}", record["index"])
    listed = "\n".join(json.dumps(item, ensure_ascii=False) for item in items).replace(A_VALUE, VALUE)
    asked = messages("identity", count=len(items), voice=voice, items=listed)
    check = GroupCheck(record, {attribute.name: attribute for attribute in group}, checks)
    return Request(
        f"{record['index']}.{number}",
        asked,
        schemas.load(SCHEMA),
        check,
        seed=own_seed,
        max_tokens=100 + _MOST_TOKENS * len(group),
        used=lambda: len(check.accepted),
    )


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
            questions, answers = [tidy(item[k]) for k in _QUESTIONS], [tidy(item[k]) for k in _ANSWERS]
            texts: Texts = {"questions": [*questions], "answers": [*answers]}
            found = self._item(name, questions, answers)
            found = found or finished_problems(self.record, self.attributes[name], texts, self.checks)
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

    def _item(self, name: str, questions: list[str], answers: list[str]) -> list[str]:
        fields = [*zip(_QUESTIONS, questions, strict=True), *zip(_ANSWERS, answers, strict=True)]
        problems = [f"{place}: {p}" for place, t in fields[:4] for p in self.checks.question(name, t)]
        problems += [f"{place}: {p}" for place, t in fields[4:] for p in self.checks.answer(name, t)]
        return problems + distinct_problems(dict(fields[:4])) + distinct_problems(dict(fields[4:]))


def finished_problems(record: Mapping[str, Any], attribute: Attribute, texts: Texts, checks: Checks) -> list[str]:
    """What is wrong with a pair's finished sentences: each states its value and no other, wrong ones differ in it."""
    old = next(qa for qa in record["qa_list"] if qa["attribute"] == attribute.name)
    text = record["profile"][attribute.name]["text"]
    qa = paraphrased(old, text, texts, attribute)
    if any(qa_problems({**record, "qa_list": [qa]})):
        return ["a word of it can be taken for the value or the person's name: choose other words"]
    if any(checks.sentence(attribute.name, *each) for each in stated(qa, text, attribute)):
        return ["with the value filled in it says something else: let {value} stand for itself"]
    return []
