"""What differs between families of models: ``families.yaml``."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from fiubench.support.errors import FiubenchError
from fiubench.support.yaml_file import load_yaml


@cache
def family(model_type: str) -> Mapping[str, str]:
    """Where the parts of a family of models are: regular expressions over module names (``families.yaml``).

    What a family leaves out comes from ``default``.
    """
    families: Mapping[str, Mapping[str, str]] = load_yaml(Path(__file__).with_name("families.yaml"), FiubenchError)
    return {**families["default"], **families.get(model_type, {})}
