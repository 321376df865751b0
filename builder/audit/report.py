"""What an audit finds: measures with verdicts, a table of attributes, distributions. All of it is plain data."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from fiubench.support.canonical import readable_json
from fiubench.support.errors import ConfigError, did_you_mean
from fiubench.support.files import write_atomic
from fiubench.support.version import __version__
from fiubench.support.yaml_file import load_yaml

PASS, WARN, FAIL, NONE = "pass", "warn", "fail", "none"
#: Groups of rules, in the order in which they are shown.
GROUPS = ("text", "facts", "guessability", "leakage", "variants", "faces")
EXAMPLES = 5  # kept per measure


@dataclass(frozen=True)
class Rule:
    """One entry of ``rules.yaml``."""

    rule: str
    group: str
    title: str
    what: str
    unit: str
    warn_above: float | None = None
    fail_above: float | None = None
    warn_below: float | None = None
    fail_below: float | None = None

    def verdict(self, value: float | None) -> str:
        """``pass``, ``warn`` or ``fail``; ``none`` where the rule has nothing to look at."""
        if value is None:
            return NONE
        for verdict, above, below in (
            (FAIL, self.fail_above, self.fail_below),
            (WARN, self.warn_above, self.warn_below),
        ):
            if (above is not None and value > above) or (below is not None and value < below):
                return verdict
        return PASS


@cache
def rules() -> dict[str, Rule]:
    """All rules by name, in the order in which they are shown."""
    path = Path(str(resources.files("fiubench.builder.audit").joinpath("rules.yaml")))
    return {entry["rule"]: Rule(**entry) for entry in load_yaml(path, ConfigError)}


@dataclass(frozen=True)
class Measure:
    """What one rule found.

    Attributes:
        rule: name in ``rules.yaml``.
        value: in the rule's unit; ``None`` where there was nothing to look at.
        of: of how many, where the value is a count.
        note: what the number alone does not say.
        examples: a few (where, what) of those that count against it.
    """

    rule: str
    value: float | None
    of: int | None = None
    note: str = ""
    examples: Sequence[tuple[str, str]] = ()

    @property
    def verdict(self) -> str:
        """``pass``, ``warn``, ``fail`` or ``none``."""
        return rules()[self.rule].verdict(self.value)


@dataclass
class Count:
    """A counter that keeps its first few examples."""

    rule: str
    count: int = 0
    of: int = 0
    examples: list[tuple[str, str]] = field(default_factory=list)

    def add(self, where: str, what: str) -> None:
        """Count one, with its example."""
        self.count += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append((where, what))

    def measure(self, of: int | None = None, note: str = "") -> Measure:
        """The measure; ``None`` as its value where nothing was looked at."""
        total = self.of if of is None else of
        return Measure(self.rule, self.count if total else None, total, note, tuple(self.examples))


@dataclass
class AttributeRow:
    """One attribute: how its values are spread and how well they can be guessed.

    Attributes:
        asked: QA pairs on it.
        valued: those whose value is known or was recognised.
        distinct: different values.
        entropy: of the values, in bits.
        top_value, top_share: the most frequent one, and whose share of the people has it.
        constant_em: share of the forget set that the retain set's most frequent value is right for.
        constant_rouge: mean ROUGE-L recall of the retain set's most frequent answer on the forget set's.
        other_em: the same as ``constant_em`` for a look-up table on the one other fact that guesses best.
        other_fact: that fact, for example "address (ZIP code)"; none where it does no better than ``constant_em``.
        phrasings: distinct wordings of its question, paraphrases aside.
        values: the most frequent values with their counts.
    """

    name: str
    category: str
    type: str
    asked: int
    valued: int
    distinct: int
    entropy: float
    top_value: str | None
    top_share: float | None
    constant_em: float | None
    constant_rouge: float | None
    other_em: float | None
    other_fact: str | None
    phrasings: int
    values: list[tuple[str, int]]


@dataclass(frozen=True)
class Histogram:
    """Counts between edges; several series over the same edges where groups are compared."""

    title: str
    unit: str
    edges: list[float]
    series: dict[str, list[int]]


@dataclass(repr=False)
class Report:
    """Everything an audit found.

    Attributes:
        target: name, kind (``dataset``, ``records``, ``qa`` or ``hub``), identities, qa_pairs, images, as_of, learned
            (the split that guesses were learned on) and applied (the one they were applied to).
        measures: in the order of the rules.
        attributes: in the order of the questions.
        histograms: by name: ``length_gap``, ``answer_length``, ``face_distance``.
        strata: split -> stratum ("female, 35-49") -> people.
    """

    target: dict[str, Any]
    measures: list[Measure]
    attributes: list[AttributeRow]
    histograms: dict[str, Histogram]
    strata: dict[str, dict[str, int]]

    @property
    def verdict(self) -> str:
        """The worst of all measures."""
        found = {measure.verdict for measure in self.measures}
        return next((verdict for verdict in (FAIL, WARN, PASS) if verdict in found), NONE)

    @property
    def verdict_line(self) -> str:
        """The verdict and the counts behind it."""
        counts = Counter(measure.verdict for measure in self.measures)
        parts = [f"{counts[verdict]} {verdict}" for verdict in (PASS, WARN, FAIL)]
        return f"{self.verdict} ({', '.join(parts)}; {counts[NONE]} without data)"

    def __repr__(self) -> str:
        failing = [f"\n  {rules()[measure.rule].title}: {measure.value:g}" for measure in self.failures]
        return f"{self.target['name']}: {self.verdict_line}{''.join(failing)}"

    @property
    def failures(self) -> list[Measure]:
        """The measures that fail."""
        return [measure for measure in self.measures if measure.verdict == FAIL]

    def measure(self, rule: str) -> Measure:
        """What a rule found."""
        return next(measure for measure in self.measures if measure.rule == rule)

    def as_dict(self) -> dict[str, Any]:
        """The report in the shape of ``schemas/audit.schema.json``."""
        counted = Counter(measure.verdict for measure in self.measures)
        measures = []
        for measure in self.measures:
            rule = rules()[measure.rule]
            measures.append(
                {
                    "rule": rule.rule,
                    "group": rule.group,
                    "title": rule.title,
                    "what": rule.what,
                    "unit": rule.unit,
                    "verdict": measure.verdict,
                    "value": measure.value,
                    "of": measure.of,
                    "note": measure.note,
                    "examples": [{"where": where, "what": what} for where, what in measure.examples],
                }
            )
        return {
            "fiubench_version": __version__,
            "target": self.target,
            "verdict": self.verdict,
            "verdicts": {verdict: counted[verdict] for verdict in (PASS, WARN, FAIL, NONE)},
            "measures": measures,
            "attributes": [asdict(row) for row in self.attributes],
            "histograms": {name: asdict(histogram) for name, histogram in self.histograms.items()},
            "strata": self.strata,
        }


def tripped(report: Report | None, conditions: Sequence[str]) -> list[Measure]:
    """The measures that one of the conditions is about.

    Args:
        report: ``None`` to check the conditions alone.
        conditions: ``fail`` or ``warn`` (that verdict or worse, of any rule), ``never``, or names of rules or groups
            (which trip on a warning too).

    Raises:
        ConfigError: a condition that is none of these.
    """
    known = {FAIL, WARN, "never", *GROUPS, *rules()}
    for condition in conditions:
        if condition not in known:
            raise ConfigError(f"no rule {condition!r}", where="--fail-on", hint=did_you_mean(condition, known))
    if report is None:
        return []
    found = []
    for measure in report.measures:
        bad = measure.verdict in (WARN, FAIL)
        named = measure.rule in conditions or rules()[measure.rule].group in conditions or WARN in conditions
        if (bad and named) or (measure.verdict == FAIL and FAIL in conditions):
            found.append(measure)
    return found


def write_json(report: Report, path: Path) -> None:
    """Write a report in the shape of ``schemas/audit.schema.json``.

    Raises:
        DatasetError: the file can't be written.
    """
    write_atomic(path, readable_json(report.as_dict()))
