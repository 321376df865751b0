"""The sentences with which a model says that it does not know."""

from importlib import resources

from fiubench.support.errors import FiubenchError
from fiubench.support.yaml_file import load_yaml


def read_refusals() -> list[str]:
    """Sentences of a model that does not know (``refusals.yaml``)."""
    with resources.as_file(resources.files("fiubench.unlearning.data").joinpath("refusals.yaml")) as path:
        refusals: list[str] = load_yaml(path, FiubenchError)
    return refusals
