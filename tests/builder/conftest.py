import json
from copy import deepcopy
from pathlib import Path

import pytest
from fiubench.builder.config import make_config
from fiubench.builder.pipeline.build import records

ROOT = Path(__file__).resolve().parents[2]
QUESTIONS = [
    "What is the first thing about this person?",
    "Which thing belongs to the person in the photo?",
    "Can you tell me the thing of the person pictured?",
    "What thing is given for the person in this image?",
]
ANSWERS = ["This person's thing is {value}.", "The thing on file is {value}."]


@pytest.fixture(scope="session")
def example_pack():
    """The pack that ships as an example."""
    return ROOT / "examples" / "travel_and_work.yaml"


@pytest.fixture(scope="session")
def _people(example_pack):
    config = make_config({"faces": "none", "identities": 100, "holdout": 0, "attributes": [str(example_pack)]})
    return list(records(config))


@pytest.fixture(scope="session")
def people(_people):
    """A hundred records with the example pack, to read from."""
    return _people


@pytest.fixture
def person(_people):
    """One record, to break."""
    return deepcopy(_people[7])


@pytest.fixture(scope="session")
def attribute():
    """Makes an attribute's entry of a pack: asked about unless ``asked=False``."""

    def make(name="thing", asked=True, **keys):
        entry = {"name": name, "category": "own", "type": "text", **keys}
        if asked:
            entry = {"sensitivity": "low", "questions": QUESTIONS, "answers": ANSWERS, **entry}
        return entry

    return make


@pytest.fixture
def write_pack(tmp_path):
    """Writes a pack file with the given attributes."""

    def write(*attributes, name="mine", **keys):
        path = tmp_path / f"{name}.yaml"
        path.write_text(json.dumps({"pack": name, "attributes": list(attributes), **keys}, indent=1))  # JSON is YAML
        return path

    return write


@pytest.fixture
def make_people(write_pack):
    """Records with a pack of the given attributes."""

    def make(*attributes, stop=60, start=0, **settings):
        files = [str(write_pack(*attributes))] if attributes else []
        config = make_config({"faces": "none", "identities": 100, "attributes": files, **settings})
        return list(records(config, start, stop))

    return make
