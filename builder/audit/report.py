"""What an audit finds: results with verdicts, a table of attributes, distributions. All of it is plain data."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fiubench.builder.audit.attributes import AttributeRow
from fiubench.builder.audit.registry import (
    FAIL,
    GROUPS,
    MEASURES,
    NONE,
    PASS,
    WARN,
    Histogram,
    Result,
    Table,
    declared_measures,
)
from fiubench.support.canonical import readable_json
from fiubench.support.errors import ConfigError, did_you_mean
from fiubench.support.files import write_atomic
from fiubench.support.version import __version__


@dataclass(repr=False)
class Report:
    """Everything an audit found.

    Attributes:
        target: name, kind (``dataset`` or an adapter's name), identities, qa_pairs, images, as_of, learned (the split
            that guesses were learned on) and applied (the one they were applied to); of another's dataset also read_as
            (the shape in words) and lacks (what nobody in it has).
        measures: a result for each measure, in the order of ``declared_measures()``.
        attributes: in the order of the questions.
        histograms: by name: ``length_gap``, ``answer_length``, ``face_distance``.
        strata: split -> stratum ("female, 35-49") -> people.
        tables: by name: ``guesses``, how often each attacker picks the true value of each attribute.
    """

    target: dict[str, Any]
    measures: list[Result]
    attributes: list[AttributeRow]
    histograms: dict[str, Histogram]
    strata: dict[str, dict[str, int]]
    tables: dict[str, Table] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """The worst of all measures."""
        return next((verdict for verdict in (FAIL, WARN, PASS) if self.verdicts[verdict]), NONE)

    @property
    def verdicts(self) -> dict[str, int]:
        """Verdict -> measures that have it."""
        found = [result.verdict for result in self.measures]
        return {verdict: found.count(verdict) for verdict in (PASS, WARN, FAIL, NONE)}

    @property
    def verdict_line(self) -> str:
        """The verdict and the counts behind it."""
        *known, without = self.verdicts.items()
        return (
            f"{self.verdict} ({', '.join(f'{count} {verdict}' for verdict, count in known)}; {without[1]} without data)"
        )

    def __repr__(self) -> str:
        failing = [f"\n  {MEASURES[result.name].declared.title}: {result.value:g}" for result in self.failures]
        return f"{self.target['name']}: {self.verdict_line}{''.join(failing)}"

    @property
    def failures(self) -> list[Result]:
        """The measures that fail."""
        return [result for result in self.measures if result.verdict == FAIL]

    def measure(self, name: str) -> Result:
        """What a measure found."""
        return next(result for result in self.measures if result.name == name)

    def as_dict(self) -> dict[str, Any]:
        """The report in the shape of ``schemas/audit.schema.json``."""
        plugins = MEASURES.used(result.name for result in self.measures)
        return {
            "fiubench_version": __version__,
            "target": self.target,
            "verdict": self.verdict,
            "verdicts": self.verdicts,
            "measures": [_row(result) for result in self.measures],
            "attributes": [asdict(row) for row in self.attributes],
            "histograms": {name: asdict(histogram) for name, histogram in self.histograms.items()},
            "tables": {name: asdict(table) for name, table in self.tables.items()},
            "strata": self.strata,
            **({"plugins": plugins} if plugins else {}),
        }


def _row(result: Result) -> dict[str, Any]:
    declared = MEASURES[result.name].declared
    return {
        "rule": result.name,
        "group": declared.group,
        "title": declared.title,
        "what": declared.help,
        "unit": declared.unit,
        "verdict": result.verdict,
        "value": result.value,
        "of": result.of,
        "note": result.note,
        "examples": [{"where": where, "what": what} for where, what in result.examples],
    }


def tripped(report: Report | None, conditions: Sequence[str]) -> list[Result]:
    """The measures that one of the conditions is about.

    Args:
        report: ``None`` to check the conditions alone.
        conditions: ``fail`` or ``warn`` (that verdict or worse, of any measure), ``never``, or names of measures or
            groups (which trip on a warning too).

    Raises:
        ConfigError: a condition that is none of these.
    """
    declared = declared_measures()
    known = {FAIL, WARN, "never", *GROUPS, *declared}
    for condition in conditions:
        if condition not in known:
            raise ConfigError(f"no measure {condition!r}", where="--fail-on", hint=did_you_mean(condition, known))
    found = []
    for result in report.measures if report else ():
        bad = result.verdict in (WARN, FAIL)
        named = not {WARN, result.name, declared[result.name].group}.isdisjoint(conditions)
        if (bad and named) or (result.verdict == FAIL and FAIL in conditions):
            found.append(result)
    return found


def write_json(report: Report, path: Path) -> None:
    """Write a report in the shape of ``schemas/audit.schema.json``.

    Raises:
        DatasetError: the file can't be written.
    """
    write_atomic(path, readable_json(report.as_dict()))
