"""One pass over a dataset, shown to every check."""

from collections.abc import Iterator
from pathlib import Path

from fiubench.builder.audit.columns import Columns
from fiubench.builder.audit.counting import counted
from fiubench.builder.audit.membership import membership
from fiubench.builder.audit.people import Person, Target
from fiubench.builder.audit.reading import open_target
from fiubench.builder.audit.registry import MEASURES, FunctionCheck, Result, Survey, declared_measures
from fiubench.builder.audit.report import Report
from fiubench.builder.audit.strata import Strata
from fiubench.support.progress import Progress

_REPORTED_EVERY = 200  # people


def audit(
    target: str | Path | Target,
    *,
    faces: bool = True,
    embed: bool = True,
    estimate: bool = False,
    attacks: bool = True,
    grammar: str | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> Report:
    """Measure a dataset. Memory grows by about 2 KB a person of 20 questions.

    >>> print(audit("dataset", faces=False))                 # doctest: +SKIP

    Args:
        target: dataset directory, release, file or folder in a shape that an adapter knows, or ``OWNER/NAME`` on the
            Hub; or one of these that is open (:func:`open_target`).
        faces: open the pictures.
        embed: compare face embeddings, where the extra ``faces`` is installed (80 ms a face).
        estimate: estimate gender and age of faces of which nothing is known, with the extra ``faces`` (40 ms a face);
            of no use for drawn portraits.
        attacks: let attackers who know nobody pick the true value out of the four (10 CPU-seconds at most).
        grammar: address of a LanguageTool server that checks the grammar of every distinct sentence.
        workers: processes for a dataset directory: all but one count what is counted question by question, which is
            half of the work. What is found does not depend on it.
        progress: called with (what, done, total).

    Raises:
        DatasetError: nothing that could be read as a dataset.
        SourceError: ``estimate`` without the extra.
        ConfigError: the grammar checker does not answer, or a measure of a plug-in failed.
    """
    if not isinstance(target, Target):
        target = open_target(str(target))
    sides = membership(target.splits)
    survey = Survey(target, Columns(sides), Strata(target.as_of), faces, embed, estimate, attacks, grammar)
    kinds = dict.fromkeys(entry.check for entry in MEASURES.values())
    checks = [check for kind in kinds if (check := kind.start(survey)) is not None]
    apart = target.directory if workers > 1 else None
    counting = [check for check in checks if isinstance(check, FunctionCheck)]
    here = [check for check in checks if apart is None or check not in counting]
    with counted(apart, workers - 1) as counts:
        for person in _people(target, progress):
            side = survey.add(person)
            for check in here:
                check.add(person, side)
        for each in counts:
            counting[0].merge(each)
    found = {result.name: result for check in checks for result in check.results()}
    return Report(
        target={
            "name": target.name,
            "kind": target.kind,
            "identities": survey.people,
            "qa_pairs": survey.pairs,
            "images": survey.images,
            "as_of": target.as_of,
            "learned": sides.learned,
            "applied": sides.applied,
            **({"read_as": target.others.title, "lacks": target.others.lacks} if target.others else {}),
        },
        measures=[found.get(name) or Result(name, None) for name in declared_measures()],
        attributes=survey.rows,
        histograms={name: histogram for check in checks for name, histogram in check.histograms().items()},
        strata=survey.strata.balance(survey.columns.side_of_all()),
        tables={name: table for check in checks for name, table in check.tables().items()},
    )


def _people(target: Target, progress: Progress | None) -> Iterator[Person]:
    """Everyone, with progress where the dataset says how many there are."""
    total = 0
    if target.manifest:
        counts = target.manifest["counts"]
        total = counts["identities"] + counts["holdout"]
    for number, person in enumerate(target.people(), 1):
        yield person
        if progress and total and (number % _REPORTED_EVERY == 0 or number == total):
            progress("Auditing", number, total)
