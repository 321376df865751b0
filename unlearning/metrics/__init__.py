"""Metrics of unlearning: a file for each, or each family; what they are computed from, and how, by definition."""

from fiubench.unlearning.metrics.aggregate import Scores, score
from fiubench.unlearning.metrics.definition import Definition, load_definitions

__all__ = ["Definition", "Scores", "load_definitions", "score"]
