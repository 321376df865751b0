"""Measuring what the text and faces of a dataset are worth: ``audit(target)`` gives a :class:`Report`."""

from fiubench.builder.audit.reading import open_target
from fiubench.builder.audit.report import Report, rules, tripped, write_json
from fiubench.builder.audit.run import audit, audit_target

__all__ = ["Report", "audit", "audit_target", "open_target", "rules", "tripped", "write_json"]
