"""One sentence at a time, as plain text: what a small model can do.

Each call shows a few examples and one of the attribute's own phrasings, another one in each; what comes back is judged
line by line, and what passes fills the pair's sentences in their order. The others stay the templates'.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fiubench.builder.generation.paraphrases import Texts
from fiubench.builder.packs.model import A_VALUE, VALUE, Attribute
from fiubench.builder.phrasings.gate import Checks, same_phrasing, tidy
from fiubench.builder.phrasings.items import finished_problems
from fiubench.builder.phrasings.prompts import drawn, load_document
from fiubench.support.chat import Request

WANTED = {"questions": 4, "answers": 2}  # sentences of a pair
TRIES = {"questions": 12, "answers": 8}  # calls for them
TYPICAL_TOKENS = 15
_MOST_TOKENS = 60
_MARK = "VALUE"  # how the placeholder is shown: braces are too much for small models
_MARKED = re.compile(rf"(?:\ban? )?[\[{{<(]*\b{_MARK}\b[\]}}>)]*")
_LISTED = re.compile(r"^\s*(?:[-*]|\d+[.)])\s*")
_SHOTS = 3  # examples of one call


@dataclass
class SentenceCheck:
    """Judges the lines of each answer and keeps those that pass, until there are enough."""

    record: Mapping[str, Any]
    attribute: Attribute
    kind: str  # of WANTED
    checks: Checks
    found: list[str] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def accepted(self) -> dict[str, Texts]:
        """What passed; the sentences of the other kind are left to its own check."""
        texts: Texts = {kind: [None] * count for kind, count in WANTED.items()}
        texts[self.kind][: len(self.found)] = self.found
        return {self.attribute.name: texts} if self.found else {}

    @property
    def attributes(self) -> Sequence[str]:
        """The attribute that is asked about."""
        return [self.attribute.name]

    def __call__(self, answer: str) -> list[str]:
        """What is wrong with the lines of an answer."""
        problems: list[str] = []
        for line in answer.splitlines():
            text = tidy(_MARKED.sub(VALUE, _LISTED.sub("", line)).strip().strip('"'))
            if not text or len(self.found) == WANTED[self.kind]:
                continue
            wrong = self._problems(text)
            self.counts["sentence passed" if not wrong else "sentence failed"] += 1
            if not wrong:
                self.found.append(text)
            problems += wrong[:1]
        if len(self.found) == WANTED[self.kind]:
            return []
        problems = problems or ["write another one, in other words"]
        self.reasons[self.attribute.name] = problems[0]
        return problems

    def _problems(self, text: str) -> list[str]:
        """A sentence of the model's differs from its others and from all that the pack has."""
        own = getattr(self.attribute, self.kind)
        if same_phrasing(text) in {same_phrasing(other) for other in (*own, *self.found)}:
            return [f"{text!r} is there already: write it in other words"]
        check = self.checks.question if self.kind == "questions" else self.checks.answer
        texts: Texts = {kind: [None] * count for kind, count in WANTED.items()}
        texts[self.kind][len(self.found)] = text
        return check(self.attribute.name, text) or finished_problems(self.record, self.attribute, texts, self.checks)


def request(record: Mapping[str, Any], attribute: Attribute, kind: str, checks: Checks, seed: int) -> Request:
    """The request for a pair's questions or answers, each call for one."""
    number = f"{attribute.name}.{kind}"
    voice, own_seed = drawn(seed, f"wording.{number}", record["index"])
    check = SentenceCheck(record, attribute, kind, checks)

    def asked(attempt: int, problems: Sequence[str]) -> list[dict[str, str]]:
        return _messages(attribute, kind, own_seed + attempt, voice, problems)

    return Request(
        f"{record['index']}.{number}",
        asked(0, ()),
        None,
        check,
        seed=own_seed,
        max_tokens=_MOST_TOKENS,
        used=lambda: len(check.found),
        retry=asked,
        fresh_tries=TRIES[kind] - 1,
        needed=lambda: WANTED[kind] - len(check.found),
    )


def _messages(attribute: Attribute, kind: str, turn: int, voice: str, problems: Sequence[str]) -> list[dict[str, str]]:
    """The prompt: examples that begin as the sentence does, where there are such, and the sentence."""
    prompt = load_document("prompts.yaml")["sentence"]
    own = getattr(attribute, kind)
    text = own[turn % len(own)].replace(A_VALUE, VALUE).replace(VALUE, _MARK)
    examples: list[list[str]] = prompt[kind]
    turned = [examples[(turn + k) % len(examples)] for k in range(len(examples))]
    shown = sorted(turned, key=lambda pair: pair[0].split()[0] != text.split()[0])[:_SHOTS]
    system = prompt["system"].strip() + (f"\n{prompt['again'].strip()} {problems[0]}" if problems else "")
    said = [{"role": "system", "content": system.replace("$voice", voice)}]
    for given, reworded in reversed(shown):
        said += [{"role": "user", "content": f"Reword: {given}"}, {"role": "assistant", "content": reworded}]
    return [*said, {"role": "user", "content": f"Reword: {text}"}]
