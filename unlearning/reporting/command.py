"""Comparing runs: the table, and the files of the report."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fiubench.unlearning.evaluation.gates import MEMORISED
from fiubench.unlearning.metrics.definition import Definition, find_definition
from fiubench.unlearning.reporting import compare as comparing
from fiubench.unlearning.reporting.compare import Comparison
from fiubench.unlearning.reporting.report import write_report
from fiubench.unlearning.reporting.tables import text_table


@dataclass(frozen=True, repr=False)
class Compared:
    """Runs side by side.

    Attributes:
        comparison: everything that was compared.
        files: of the report that was written.
    """

    comparison: Comparison
    files: Sequence[Path] = ()

    @property
    def table(self) -> list[tuple[str, ...]]:
        """A row per model, the heading first."""
        return text_table(self.comparison)

    def __repr__(self) -> str:
        marks = [f"NOT COMPARABLE: {mark}" for mark in self.comparison.marks]
        return "\n".join([*("  ".join(row) for row in self.table), *marks])


def compare(
    runs: Sequence[str | Path],
    out: str | Path | None = None,
    *,
    definition: str | Definition = "corrected",
    reference: str | Path | None = None,
    memorised: float = MEMORISED,
    force: bool = False,
    faces: bool = True,
) -> Compared:
    """Compare evaluated runs: a table; with ``out`` also the report (HTML, PNG and CSV).

    >>> print(compare(["runs/ga", "runs/kl"], "comparison", reference="runs/retain"))          # doctest: +SKIP

    Args:
        runs: unlearned runs, and any others to set beside them.
        out: folder of the report; none is written by default.
        definition: of the metrics: upstream, paper or corrected, ``FILE.yaml[:NAME]`` or one that was read.
        reference: run or log of the model that was trained on the retain set alone.
        memorised: exact match that the model before unlearning must have on the forget set.
        force: compare although a condition does not hold; tables are marked.
        faces: show faces beside examples of answers.

    Raises:
        DatasetError: a run is not evaluated.
        GateError: a condition does not hold.
    """
    found = comparing.compare(
        [str(run) for run in runs],
        definition if isinstance(definition, Definition) else find_definition(definition),
        reference=None if reference is None else str(reference),
        memorised=memorised,
        force=force,
    )
    return Compared(found, () if out is None else write_report(found, Path(out), faces=faces))
