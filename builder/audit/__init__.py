"""Measuring what the text and faces of a dataset are worth: ``audit(target)`` gives a :class:`Report`.

A measure of your own is one file with a function under :func:`measure`, or a :class:`Check` under :func:`check`.
"""

from fiubench.builder.audit.reading import open_target
from fiubench.builder.audit.registry import (
    MEASURES,
    SKIPPED,
    Check,
    Count,
    Measure,
    Result,
    check,
    declared_measures,
    measure,
)
from fiubench.builder.audit.report import Report, tripped, write_json
from fiubench.builder.audit.run import audit

__all__ = [
    "MEASURES", "SKIPPED", "Check", "Count", "Measure", "Report", "Result", "audit", "check",
    "declared_measures", "measure", "open_target", "tripped", "write_json",
]  # fmt: skip
