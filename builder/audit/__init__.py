"""Measuring what the text and faces of a dataset are worth."""
