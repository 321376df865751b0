"""Measuring what the text and faces of a dataset are worth: ``audit(target)`` gives a :class:`Report`."""

from builder.audit.report import Report, rules
from builder.audit.run import audit, summary

__all__ = ["Report", "audit", "rules", "summary"]
