"""Measuring what the text and faces of a dataset are worth: ``audit(target)`` gives a :class:`Report`."""

from builder.audit.report import Report, rules, tripped, write_json
from builder.audit.run import audit

__all__ = ["Report", "audit", "rules", "tripped", "write_json"]
