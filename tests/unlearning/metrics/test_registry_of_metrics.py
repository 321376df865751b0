"""What the registry of metrics says of itself, and what is made from it."""

from pathlib import Path

import pytest
from fiubench.support.errors import ConfigError
from fiubench.unlearning.metrics.base import METRICS, find, keys, title
from fiubench.unlearning.metrics.definition import find_definition

DOCS = Path(__file__).parents[3] / "docs/evaluation.md"


def test_the_documentation_has_every_metric_as_it_describes_itself() -> None:
    text = DOCS.read_text()
    for one in METRICS.values():
        assert f"| {one.title} | {one.formula} | {one.summary} |" in text


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_describes_itself(name: str) -> None:
    one = METRICS[name]
    assert one.summary.endswith(".") and len(one.summary) < 120
    assert one.formula
    assert {*one.printed, *one.columns} <= set(one.sets)


def test_keys_are_unique_and_found_again() -> None:
    found = keys()
    assert len(set(found)) == len(found)
    assert all(find(key)[1].key(find(key)[0]) == key for key in found)
    assert (title("forget.exact_match"), title("ks.p")) == ("forget: exact match", "KS p")
    with pytest.raises(ConfigError, match="Did you mean 'exact_match'"):
        find("forget.exact_mach")


@pytest.mark.parametrize("text", ["utility: {components: [rougr]}", "columns: [forget.rougr]"])
def test_a_definition_that_names_an_unknown_metric_is_an_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"mine: {{based_on: corrected, {text}}}")
    with pytest.raises(ConfigError, match=r"unknown metric 'rougr'") as error:
        find_definition(str(path))
    assert "mine.yaml" in str(error.value) and "Did you mean 'rouge'?" in str(error.value)
