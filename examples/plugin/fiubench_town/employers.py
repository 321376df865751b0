"""A source: a CSV file with the columns ``Employer`` and ``Industry``, one row per employer.

fiubench --plugin employers.py build --employers employers.csv --attributes employers.yaml --out dataset
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
from fiubench.raw_sources.reading.csvfile import map_distinct, need_rows, read_columns
from fiubench.raw_sources.source import Context, Source, register
from fiubench.raw_sources.table import FileTable, Origin, Report, base_name
from fiubench.support.canonical import file_digest


@register
class Employers(Source):
    """Employers of a town that does not exist."""

    name = "employers"
    title = "Employers of Example Town"
    license = "CC0-1.0"
    description = "Fictitious employers with their industries."
    expects = "A CSV file with the columns Employer and Industry."
    columns = {"employer": "text", "industry": "enum"}
    marks = frozenset(["employer", "industry"])

    def read(self, path: Path, context: Context) -> FileTable:
        """The rows in which both cells are filled; the others are dropped and counted."""
        report = Report()
        raw = read_columns(path, {"employer": ("Employer",), "industry": ("Industry",)}, report)
        table = pa.table({name: map_distinct(raw[name], str.strip, pa.string()) for name in self.columns})
        filled = np.array([bool(row["employer"] and row["industry"]) for row in table.to_pylist()])
        if dropped := int((~filled).sum()):
            report.dropped["a cell is blank"] = dropped
        table = table.filter(filled)
        need_rows(table, path, report)
        origin = Origin(self.name, base_name(path), file_digest(path))
        return FileTable(origin, report, self.columns, table, np.flatnonzero(filled) + 1)
