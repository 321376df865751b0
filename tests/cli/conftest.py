"""Pictures for tests of commands."""

from tests.raw_sources.conftest import picture

__all__ = ["picture"]
