"""What holds for every test."""

from hypothesis import settings

from tests.installed import python, wheel

__all__ = ["python", "wheel"]

# no test is a stopwatch: a busy machine is no failure
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
