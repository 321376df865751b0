"""The sentences with which a model says that it does not know."""

from pathlib import Path

from fiubench.support.errors import FiubenchError
from fiubench.support.yaml_file import load_yaml


def read_refusals() -> list[str]:
    """Sentences of a model that does not know (``refusals.yaml``)."""
    refusals: list[str] = load_yaml(Path(__file__).with_name("refusals.yaml"), FiubenchError)
    return refusals
