"""Growing a pack's phrasings: a model proposes, the checks filter, a person decides, and a pack file is written.

The pack file has `phrasings:` alone. Named with ``--attributes`` it builds without any model.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml
from fiubench.builder.config import make_config
from fiubench.builder.generation.inputs import check_english, open_inputs
from fiubench.builder.generation.profiles import Profiles
from fiubench.builder.packs.attributes import read_packs
from fiubench.builder.packs.model import Attribute, Attributes, fill
from fiubench.builder.phrasings.gate import Checks, same_phrasing, tidy
from fiubench.builder.phrasings.prompts import about, drawn, messages, prompt_digest
from fiubench.schemas.documents import read_object
from fiubench.support.canonical import readable_json
from fiubench.support.chat import ChatClient, Estimate, Outcome, Request
from fiubench.support.errors import DatasetError, FiubenchError, PackError, did_you_mean
from fiubench.support.files import write_atomic

from fiubench import schemas

SCHEMA = "phrasings_answer"
PER_CALL = 5  # questions and answers of one call
_ROUNDS_PER_CALL = 3  # rounds of calls that are tried for each that would do if all passed
_TOKENS = 60  # of one phrasing, with room
ACCEPTED, REJECTED = "accepted", "rejected"


@dataclass
class Candidate:
    """A proposed phrasing, the problems that the checks found, and a person's verdict."""

    attribute: str
    kind: str  # "question" or "answer"
    text: str
    problems: list[str] = field(default_factory=list)
    verdict: str | None = None

    @property
    def passed(self) -> bool:
        """Whether the checks let it pass."""
        return not self.problems


@dataclass
class Candidates:
    """A file of candidates (``schemas/candidates.schema.json``)."""

    model: str
    server_models: list[str]
    base_url: str
    prompt_sha256: str
    sampling: dict[str, Any]
    tokens: dict[str, int]
    packs: list[str]
    candidates: list[Candidate]

    def save(self, path: Path) -> None:
        """Write the file in one step."""
        write_atomic(path, readable_json(asdict(self)))

    @classmethod
    def read(cls, path: Path) -> "Candidates":
        """A file as it was saved.

        Raises:
            DatasetError: it is not such a file.
        """
        document = read_object(path)
        for violation in schemas.violations("candidates", document):
            hint = "`fiubench phrasings generate` writes such files."
            what = f"not a file of candidates: {violation.path}: {violation.message}"
            raise DatasetError(what, where=path, hint=hint)
        entries = [Candidate(**entry) for entry in document.pop("candidates")]
        return cls(**document, candidates=entries)

    def pack(self, name: str) -> dict[str, Any]:
        """The document of a pack with every accepted phrasing.

        Raises:
            PackError: nothing is accepted.
        """
        phrasings: dict[str, dict[str, list[str]]] = {}
        for candidate in self.candidates:
            if candidate.verdict == ACCEPTED:
                entry = phrasings.setdefault(candidate.attribute, {})
                entry.setdefault(f"{candidate.kind}s", []).append(candidate.text)
        if not phrasings:
            raise PackError("no phrasing is accepted", hint="Accept some with `fiubench phrasings review`.")
        return {"pack": name, "description": f"Phrasings proposed by {self.model}.", "phrasings": phrasings}


def write_pack(path: Path, document: Mapping[str, Any]) -> None:
    """Write a pack file."""
    text = yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True, width=1000)
    write_atomic(path, text.encode())


@dataclass(frozen=True)
class Ground:
    """Packs as candidates are judged by them: attributes, checks, and values to try a phrasing with."""

    attributes: Attributes
    checks: Checks
    values: Mapping[str, tuple[list[Any], list[str]]]  # attribute -> values and their texts

    @classmethod
    def of(cls, packs: Sequence[Path], seed: int = 0, tables: Sequence[Path] = ()) -> "Ground":
        """Read packs beside the built-in one; its reserve is in, too.

        Raises:
            PackError: a pack that can't be used.
        """
        own = sum(a.asked for a in read_packs().by_name.values())
        files = {"attributes": [str(p) for p in packs], "tables": [str(p) for p in tables]}
        config = make_config({**files, "questions": own, "faces": "none", "seed": seed})
        inputs = open_inputs(config)
        check_english(inputs.attributes, ", ".join(map(str, packs)))
        profiles = Profiles(config, inputs.sources, inputs.attributes)
        reference = profiles.reference
        values = {a.name: (reference[a.name].values, reference[a.name].text) for a in profiles.asked}
        return cls(inputs.attributes, Checks.of(profiles), values)

    def chosen(self, names: Sequence[str]) -> list[Attribute]:
        """The named attributes, or all.

        Raises:
            PackError: an unknown name.
        """
        known = {name: subject.attribute for name, subject in self.checks.subjects.items()}
        for name in names:
            if name not in known:
                raise PackError(f"no attribute {name!r} that is asked about", hint=did_you_mean(name, known))
        return [known[name] for name in names or known]

    def problems(self, candidate: Candidate) -> list[str]:
        """What the checks find wrong with a candidate."""
        check = self.checks.question if candidate.kind == "question" else self.checks.answer
        problems = check(candidate.attribute, candidate.text)
        if problems or candidate.kind == "question":
            return problems
        values, texts = self.values[candidate.attribute]
        for value, text in list(zip(values, texts, strict=True))[:16]:
            filled = fill(candidate.text, text)
            problems += self.checks.sentence(candidate.attribute, value, filled, text)
        return problems[:1]


@dataclass
class _Proposal:
    """Checks one answer of the model: all new phrasings are kept; it is sent back only where none of them passes."""

    attribute: str
    ground: Ground
    known: set[str]
    found: list[Candidate] = field(default_factory=list)

    def __call__(self, answer: Mapping[str, Any]) -> list[str]:
        if answer["attribute"] not in (self.attribute, self.attribute.replace("_", " ")):
            return [f"attribute must be {self.attribute!r}"]
        new: list[Candidate] = []
        for which in ("question", "answer"):
            for text in answer[f"{which}s"]:
                candidate = Candidate(self.attribute, which, tidy(text)[:300])
                if (phrasing := same_phrasing(candidate.text)) in self.known:
                    continue
                self.known.add(phrasing)
                candidate.problems = self.ground.problems(candidate)
                new.append(candidate)
        self.found += new
        if any(c.passed for c in new):
            return []
        return [p for c in self.found[-4:] for p in c.problems[:1]] or ["write others than those that are there"]


class Generator:
    """Asks for ``count`` questions and answers an attribute that pass the checks, until it has asked often enough."""

    def __init__(
        self, ground: Ground, attributes: Sequence[Attribute], count: int, client: ChatClient, seed: int
    ) -> None:
        self.ground, self.attributes, self.count = ground, attributes, count
        self.client, self.seed = client, seed
        self.schema = schemas.load(SCHEMA)
        self.found: dict[str, list[Candidate]] = {a.name: [] for a in attributes}
        self.models: set[str] = set()
        self.tokens = [0, 0]

    def rounds(self) -> Iterator[list[Request]]:
        """The requests of each round: one for each attribute that lacks some. A round builds on those before it."""
        for number in range(-(-self.count // PER_CALL) * _ROUNDS_PER_CALL):
            requests = [self._request(a, number) for a in self.attributes if self._lacks(a.name)]
            if not requests:
                return
            yield requests

    @property
    def share(self) -> float:
        """Share of the phrasings that are wanted which are there."""
        there = [min(n, self.count) for name in self.found for n in self._passed(name)]
        return sum(there) / (self.count * max(len(there), 1))

    def _passed(self, name: str) -> tuple[int, int]:
        """Questions and answers of an attribute that passed."""
        passed = Counter(c.kind for c in self.found[name] if c.passed)
        return passed["question"], passed["answer"]

    def _lacks(self, name: str) -> bool:
        return min(self._passed(name)) < self.count

    def _request(self, attribute: Attribute, number: int) -> Request:
        found = [c for c in self.found[attribute.name] if c.passed]
        questions = [*attribute.questions, *(c.text for c in found if c.kind == "question")]
        answers = [*attribute.answers, *(c.text for c in found if c.kind == "answer")]
        voice, seed = drawn(self.seed, f"phrasings.{attribute.name}", number)
        known = {same_phrasing(t) for t in (*questions, *answers)}
        known |= {same_phrasing(c.text) for c in self.found[attribute.name]}
        asked = messages(
            "pack",
            about=about(attribute),
            kind=attribute.type.help,
            questions="\n".join(f"- {q}" for q in questions),
            answers="\n".join(f"- {a}" for a in answers).replace("{a value}", "{value}"),
            count=PER_CALL,
            voice=voice,
        )
        check, most = _Proposal(attribute.name, self.ground, known), 200 + 2 * PER_CALL * _TOKENS
        return Request(f"{attribute.name}.{number}", asked, self.schema, check, seed=seed, max_tokens=most)

    def take(self, outcome: Outcome) -> None:
        """Keep what a request yielded."""
        check = outcome.request.check
        assert isinstance(check, _Proposal)
        self.found[check.attribute] += check.found
        self.models |= {attempt.model for attempt in outcome.attempts}
        self.tokens = [before + more for before, more in zip(self.tokens, outcome.tokens, strict=True)]

    def estimate(self) -> Estimate:
        """The next round's calls, times the rounds that are needed if everything passes."""
        first = next(self.rounds(), [])
        one = self.client.estimate(first, 2 * PER_CALL * _TOKENS // 2)
        rounds = -(-self.count // PER_CALL)
        calls = one.calls + len(first) * (rounds - 1)
        return Estimate(calls, one.cached, one.prompt_tokens * rounds, one.completion_tokens * rounds)

    def missing(self) -> list[Request]:
        """The first round that the cache can't answer: what a batch would hold."""
        for requests in self.rounds():
            names = {r.id.rpartition(".")[0] for r in requests}
            number = int(requests[0].id.rpartition(".")[2])
            unused = [self._request(a, number) for a in self.attributes if a.name in names]  # a look uses checks up
            if any(self.client.missing(request) is not None for request in requests):
                return unused
            for outcome in self.client.ask_all(unused):
                self.take(outcome)
        return []

    def result(self, packs: Sequence[str]) -> Candidates:
        """The candidates with their origin, for a file."""
        server = self.client.server
        return Candidates(
            server.model,
            sorted(self.models),
            server.base_url,
            prompt_digest("pack", schema=self.schema),
            dict(server.sampling),
            {"prompt": self.tokens[0], "completion": self.tokens[1]},
            list(packs),
            [candidate for attribute in self.attributes for candidate in self.found[attribute.name]],
        )


def accept(candidate: Candidate, ground: Ground, text: str | None = None) -> list[str]:
    """Accept a candidate, perhaps in other words; what is wrong with it, in which case it is not.

    Raises:
        FiubenchError: the attribute is in none of the packs.
    """
    if candidate.attribute not in ground.checks.subjects:
        hint = "Name its pack with --attributes."
        raise FiubenchError(f"no pack declares the attribute {candidate.attribute!r}", hint=hint)
    tried = Candidate(candidate.attribute, candidate.kind, tidy(text) if text is not None else candidate.text)
    if problems := ground.problems(tried):
        return problems
    candidate.text, candidate.problems, candidate.verdict = tried.text, [], ACCEPTED
    return []
