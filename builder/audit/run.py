"""One pass over a dataset, shown to every check."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from fiubench.builder.audit.columns import Columns
from fiubench.builder.audit.measures.facts import FactChecks
from fiubench.builder.audit.measures.grammar import GrammarCheck
from fiubench.builder.audit.measures.guessing import attribute_rows, guess_measures
from fiubench.builder.audit.measures.leakage import Leakage
from fiubench.builder.audit.measures.text import TextChecks
from fiubench.builder.audit.measures.variants import VariantChecks
from fiubench.builder.audit.membership import membership
from fiubench.builder.audit.people import Person, Target
from fiubench.builder.audit.reading import open_target
from fiubench.builder.audit.report import Measure, Report, rules
from fiubench.support.errors import DatasetError
from fiubench.support.progress import Progress

if TYPE_CHECKING:
    from fiubench.builder.audit.measures.faces import FaceChecks

_TOLD_EVERY = 200  # people


def audit(
    target: str | Path,
    *,
    faces: bool = True,
    embed: bool = True,
    grammar: str | None = None,
    progress: Progress | None = None,
) -> Report:
    """Measure a dataset. Memory grows by about 2 KB a person of 20 questions.

    Args:
        target: dataset directory, release, file of records or of bare questions, or ``OWNER/NAME`` on the Hub.
        faces: open the pictures.
        embed: compare face embeddings, where the extra ``faces`` is installed (80 ms a face).
        grammar: address of a LanguageTool server that checks the grammar of every distinct sentence.
        progress: called with (what, done, total).

    Raises:
        DatasetError: nothing that could be read as a dataset.
        ConfigError: the grammar checker does not answer.
    """
    return audit_target(open_target(str(target)), faces=faces, embed=embed, grammar=grammar, progress=progress)


def audit_target(
    target: Target,
    *,
    faces: bool = True,
    embed: bool = True,
    grammar: str | None = None,
    progress: Progress | None = None,
) -> Report:
    """:func:`audit` for a target that is open."""
    sides = membership(target.splits)
    columns = Columns(sides)
    text, facts, variants = TextChecks(), FactChecks(target), VariantChecks()
    leakage = Leakage(columns, target.as_of)
    pictures = _face_checks(target, embed) if faces else None
    checker = GrammarCheck(grammar) if grammar else None
    images = 0
    for person in _told(target, progress):
        side = columns.add(person.unique_id, person.pairs)
        text.add(person)
        facts.add(person)
        variants.add(person, side)
        leakage.add(person, side)
        images += person.image is not None
        if pictures:
            pictures.add(person)
        if checker:
            checker.add(person)
    if not text.people:
        raise DatasetError("there is nobody in it", where=target.name)
    rows = attribute_rows(columns)
    measures = [*text.measures(), *facts.measures(), *guess_measures(rows), *leakage.measures(), *variants.measures()]
    histograms = variants.histograms()
    if pictures:
        found, distances = pictures.finish()
        measures += found
        histograms |= distances
    if checker:
        measures.append(checker.measure())
    return Report(
        target={
            "name": target.name,
            "kind": target.kind,
            "identities": text.people,
            "qa_pairs": text.pairs,
            "images": images,
            "as_of": target.as_of,
            "learned": sides.learned,
            "applied": sides.applied,
        },
        measures=_in_order(measures),
        attributes=rows,
        histograms=histograms,
        strata=leakage.balance(),
    )


def _face_checks(target: Target, embed: bool) -> "FaceChecks":
    from fiubench.builder.audit.measures.faces import FaceChecks  # noqa: PLC0415  (Pillow is not needed for the text)

    return FaceChecks(target.as_of, embed=embed)


def _told(target: Target, progress: Progress | None) -> Iterator[Person]:
    total = 0
    if target.manifest:
        counts = target.manifest["counts"]
        total = counts["identities"] + counts["holdout"]
    number = 0
    for number, person in enumerate(target.people(), 1):
        yield person
        if progress and total and (number % _TOLD_EVERY == 0 or number == total):
            progress("Auditing", number, total)


def _in_order(measures: list[Measure]) -> list[Measure]:
    """Every rule once, in the order of the rules; those that nothing was asked of have no value."""
    found = {measure.rule: measure for measure in measures}
    return [found.get(rule) or Measure(rule, None) for rule in rules()]
