"""Metrics of unlearning: a file for each, or each family; what they are computed from, and how, by definition."""
