"""A source: a CSV file with the columns ``Employer`` and ``Industry``, one row per employer.

fiubench --plugin employers.py build --employers employers.csv --attributes employers.yaml --out dataset
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
from fiubench.raw_sources.reading.csvfile import map_distinct, read_columns
from fiubench.raw_sources.source import Context, Source, register
from fiubench.raw_sources.table import FileTable, Report


@register
class Employers(Source):
    """Fictitious employers with their industries."""

    name = "employers"
    title = "Employers of Example Town"
    license = "CC0-1.0"
    expects = "A CSV file with the columns Employer and Industry."
    columns = {"employer": "text", "industry": "enum"}
    marks = frozenset(["employer", "industry"])
    drawn_with = {"employer": "industry"}  # "Northgate Bakery" tells the industry: the wrong ones are of the same

    def read(self, path: Path, context: Context) -> FileTable:
        """The rows in which both cells are filled; the others are dropped and counted."""
        report = Report()
        wanted = {"employer": ("Employer",), "industry": ("Industry",)}
        raw = read_columns(path, wanted, report, renamed=context.renamed(self.name))
        table = pa.table({name: map_distinct(raw[name], str.strip, pa.string()) for name in self.columns})
        filled = np.array([bool(row["employer"] and row["industry"]) for row in table.to_pylist()])
        if dropped := int((~filled).sum()):
            report.drop("a cell is blank", dropped)
        table = table.filter(filled)
        return FileTable.of_file(self.name, self.columns, path, report, table, np.flatnonzero(filled) + 1)
