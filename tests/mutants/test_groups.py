"""Modules and tests of ``groups.yaml`` are there, and what may live is a line of its module, nearly."""

import difflib
import shlex
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = yaml.safe_load(Path(__file__).with_name("groups.yaml").read_text())


@pytest.mark.parametrize("name", DOCUMENT["groups"])
def test_modules_and_tests_are_there(name: str) -> None:
    for module, tests in DOCUMENT["groups"][name].items():
        named = [word for word in shlex.split(tests) if word.startswith("tests/")]
        assert named
        assert all((ROOT / path).exists() for path in (module, *named)), name


@pytest.mark.parametrize("one", DOCUMENT["survivors"], ids=lambda one: one["file"])
def test_what_may_live_is_still_one_change_away(one: dict[str, str]) -> None:
    assert one["why"]
    lines = [line.strip() for line in (ROOT / one["file"]).read_text().splitlines()]
    assert difflib.get_close_matches(one["line"].replace("continue", "break"), lines, cutoff=0.9), one["line"]
