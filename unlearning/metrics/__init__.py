"""Metrics of unlearning: functions of texts and of log-probabilities, and the definitions that put them together."""

from fiubench.unlearning.metrics.aggregate import Scores, score
from fiubench.unlearning.metrics.definition import Definition, load_definitions

__all__ = ["Definition", "Scores", "load_definitions", "score"]
