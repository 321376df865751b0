"""Streams of requests: people and facts forgotten one after the other, and what becomes of each afterwards."""
