"""Tables of settings on the site are made from the classes that read the files."""

import importlib.util
import re
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from fiubench.unlearning.experiment import Experiment
from fiubench.unlearning.training.settings import Stage

from tests.docs.stand_ins import ROOT


@pytest.fixture
def hooks(monkeypatch: pytest.MonkeyPatch) -> Any:
    """docs/hooks.py without the site's own packages."""
    griffe: Any = ModuleType("griffe")
    griffe.Extension = griffe.Object = object
    monkeypatch.setitem(sys.modules, "griffe", griffe)
    spec = importlib.util.spec_from_file_location("hooks", ROOT / "docs/hooks.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_has_every_setting(hooks: Any) -> None:
    page = SimpleNamespace(file=SimpleNamespace(src_uri="reference/experiment.md"))
    made = hooks.on_page_markdown((ROOT / "docs/reference/experiment.md").read_text(), page)
    assert "<!--" not in made
    tables = [re.findall(r"(?m)^\| `(\w+)` \|", part) for part in made.split("\n## ")]
    assert tables[1] == list(Experiment.model_fields)
    assert tables[2][: len(Stage.model_fields)] == list(Stage.model_fields)
    rows = [line for line in made.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {5}
    assert all(re.split(r"(?<!\\)\|", row)[4].strip() for row in rows)  # everything is described


def test_values_are_told_in_words(hooks: Any) -> None:
    table = hooks.settings_table("fiubench.unlearning.experiment", "Experiment")
    assert "| `workers` | whole number at least 1 at most 64 | `1` |" in table
    assert "| `seeds` | list of whole number at least 0 at most 4294967295 | `[0]` |" in table
    table = hooks.settings_table("fiubench.unlearning.training.settings", "Stage")
    assert "| `learning_rate` | number above 0 or null | - |" in table
    assert "| `keep` | `all`, `last` | `all` |" in table
