"""A second model's opinion on a sample: does a sentence keep its fact, and does it read well? The checks alone decide.

Half of what a dataset's judge sees are wrong answers, unmarked, so that agreement says something about the judge too.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from fiubench.builder.dataset.reading import Dataset
from fiubench.builder.packs.model import fill
from fiubench.builder.phrasings.candidates import Candidate, Ground
from fiubench.builder.phrasings.prompts import messages
from fiubench.support.chat import ChatClient, Request
from fiubench.support.draws import integers, permute

from fiubench import schemas

SCHEMA = "verdicts_answer"
PER_CALL = 8
KEPT, CHANGED, UNCLEAR = "kept", "changed", "unclear"
_TOKENS = 40  # of one verdict, with room


@dataclass(frozen=True)
class Case:
    """A question and an answer to be judged; ``keeps`` is whether the checks find the value stated."""

    attribute: str
    question: str
    answer: str
    value: str
    keeps: bool

    @property
    def expected(self) -> str:
        """The verdict of a judge who agrees with the checks."""
        return KEPT if self.keeps else CHANGED


@dataclass
class Verdicts:
    """What the judge said of each case."""

    cases: list[tuple[Case, str, str]] = field(default_factory=list)  # case, fact, wording
    unjudged: int = 0

    def table(self) -> dict[str, Counter[str]]:
        """Verdict of the checks ("states its value", "does not state it") -> verdict of the judge, counted."""
        counted: dict[str, Counter[str]] = {"states its value": Counter(), "does not state it": Counter()}
        for case, fact, _ in self.cases:
            counted["states its value" if case.keeps else "does not state it"][fact] += 1
        return counted

    @property
    def agreement(self) -> float:
        """Share of cases on which judge and checks agree; "unclear" agrees with nobody."""
        return 1 - len(self.disagreements()) / len(self.cases) if self.cases else 0.0

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa of judge and checks over kept, changed and unclear; None where chance explains everything."""
        total = len(self.cases)
        if not total:
            return None
        judge = Counter(fact for _, fact, _ in self.cases)
        states, does_not = (sum(counted.values()) for counted in self.table().values())
        by_chance = (judge[KEPT] * states + judge[CHANGED] * does_not) / total**2
        return None if by_chance >= 1 else (self.agreement - by_chance) / (1 - by_chance)

    @property
    def natural(self) -> float:
        """Share of cases that read naturally."""
        return sum(wording == "natural" for _, _, wording in self.cases) / len(self.cases) if self.cases else 0.0

    def disagreements(self) -> list[tuple[Case, str]]:
        """Cases that the judge sees otherwise."""
        return [(case, fact) for case, fact, _ in self.cases if fact != case.expected]

    def report(self) -> dict[str, Any]:
        """All figures and disagreements, for a file."""
        return {
            "cases": len(self.cases),
            "unjudged": self.unjudged,
            "agreement": self.agreement,
            "kappa": self.kappa,
            "natural": self.natural,
            "table": {said: dict(counted) for said, counted in self.table().items()},
            "disagreements": [
                {"attribute": c.attribute, "question": c.question, "answer": c.answer, "value": c.value,
                 "checks": c.expected, "judge": fact}
                for c, fact in self.disagreements()
            ],
        }  # fmt: skip


def cases_of_dataset(dataset: Dataset, sample: int, seed: int) -> list[Case]:
    """A keyed sample of a dataset's QA pairs: the paraphrased answer of one half, a wrong answer of the other."""
    per_identity = len(dataset.manifest["attributes"])
    total = len(dataset.manifest["identities"]) * per_identity
    chosen = permute(seed, "judge.sample", np.arange(min(sample, total)), total).tolist()
    wanted: dict[int, list[tuple[int, int]]] = {}
    for place, pair in enumerate(chosen):
        wanted.setdefault(pair // per_identity, []).append((place, pair % per_identity))
    cases: dict[int, Case] = {}
    for index, record in enumerate(dataset):
        for place, number in wanted.get(index, ()):
            qa = record["qa_list"][number]
            keeps = place % 2 == 0
            answer = qa["paraphrased_answer"] if keeps else qa["perturbed_answer"][0]
            text = record["profile"][qa["attribute"]]["text"]
            cases[place] = Case(qa["attribute"], qa["question"], answer, text, keeps)
    return [cases[place] for place in sorted(cases)]


def cases_of_candidates(candidates: Iterable[Candidate], ground: Ground, sample: int, seed: int) -> list[Case]:
    """A keyed sample of candidates, each with a phrasing of the pack beside it and a value filled in."""
    listed = [c for c in candidates if c.attribute in ground.values]
    chosen = permute(seed, "judge.sample", np.arange(min(sample, len(listed))), len(listed)).tolist() if listed else []
    cases = []
    for place, number in enumerate(chosen):
        candidate = listed[number]
        attribute = ground.checks.subjects[candidate.attribute].attribute
        texts = ground.values[candidate.attribute][1]
        text = texts[int(integers(seed, "judge.value", place, len(texts))[0])]
        question, answer = attribute.questions[0], attribute.answers[0]
        if candidate.kind == "question":
            question = candidate.text
        else:
            answer = candidate.text
        cases.append(Case(candidate.attribute, question, fill(answer, text), text, candidate.passed))
    return cases


def requests(cases: Sequence[Case]) -> Iterator[Request]:
    """Requests for verdicts, eight cases each."""
    schema = schemas.load(SCHEMA)
    for start in range(0, len(cases), PER_CALL):
        part = cases[start : start + PER_CALL]
        items = [
            {"id": str(number), "about": c.attribute.replace("_", " "), "value": c.value, "question": c.question,
             "answer": c.answer}
            for number, c in enumerate(part, 1)
        ]  # fmt: skip
        listed = "\n".join(json.dumps(item, ensure_ascii=False) for item in items)
        asked = messages("judge", count=len(items), items=listed)
        yield Request(f"cases {start}", asked, schema, _check(len(items)), max_tokens=100 + _TOKENS * len(items))


def _check(count: int) -> Any:
    wanted = {str(number) for number in range(1, count + 1)}

    def check(answer: Mapping[str, Any]) -> list[str]:
        ids = [item["id"] for item in answer["items"]]
        problems = [f"item {name!r} is missing" for name in sorted(wanted - set(ids))]
        problems += [f"id {name!r} is no item of these" for name in sorted(set(ids) - wanted)]
        return problems + (["an id stands more than once"] if len(set(ids)) < len(ids) else [])

    return check


def judge(client: ChatClient, cases: Sequence[Case]) -> Verdicts:
    """Ask for a verdict on every case.

    Raises:
        ChatError: the server can't be asked on, or a limit is reached.
    """
    verdicts = Verdicts()
    for number, outcome in enumerate(client.ask_all(requests(cases))):
        part = cases[number * PER_CALL : (number + 1) * PER_CALL]
        if not outcome.accepted:
            verdicts.unjudged += len(part)
            continue
        said = {item["id"]: item for item in outcome.answer["items"]}
        for place, case in enumerate(part, 1):
            item = said[str(place)]
            verdicts.cases.append((case, item["fact"], item["wording"]))
    return verdicts
