"""The report as a page: measures, and a gallery of the people themselves."""

from collections.abc import Iterator
from pathlib import Path

from fiubench.builder.audit.page import Card, thumbnail, write_page
from fiubench.builder.audit.people import Person, Target
from fiubench.builder.audit.reading import open_target
from fiubench.builder.audit.report import Report

#: People in the gallery; of more, evenly spaced ones. A face takes about 4 KB of the page.
SHOWN = 500
_PAIRS = 6  # questions shown of each


def write_report(report: Report, target: str | Path, path: Path, against: Report | None = None) -> None:
    """Write a report as one self-contained HTML file.

    Args:
        report: of the target.
        target: what was audited; it is read once more.
        path: of the file.
        against: of another dataset, shown beside it.

    Raises:
        DatasetError: the dataset can't be read any more, or the file can't be written.
    """
    cards = _cards(open_target(str(target)), report.target["identities"])
    write_page(report.as_dict(), cards, path, against.as_dict() if against else None)


def _cards(target: Target, people: int) -> Iterator[Card]:
    chosen = {k * people // min(people, SHOWN) for k in range(min(people, SHOWN))}
    for number, person in enumerate(target.people()):
        if number in chosen:
            yield _card(person, number, [name for name, ids in target.splits.items() if person.unique_id in ids])


def _card(person: Person, turn: int, splits: list[str]) -> Card:
    profile = [(pair.attribute, pair.text) for pair in person.pairs if pair.attribute and pair.text]
    # other questions of each person, so that the gallery shows all of them
    count = len(person.pairs)
    shown = sorted({(turn + k * count // _PAIRS) % count for k in range(min(_PAIRS, count))})
    return Card(
        unique_id=person.unique_id,
        name=person.name,
        face=None if person.image is None else thumbnail(person.image),
        profile=list(dict(profile).items()),
        qa=[person.pairs[k] for k in shown],
        splits=splits,
    )
