"""The dataset card and its numbers."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from fiubench.builder.audit.registry import Table
from fiubench.builder.release import package
from fiubench.builder.release.commands import rebuild_command
from fiubench.builder.release.licenses import croissant_license, hub_license
from fiubench.builder.release.statistics import Statistics, best_guesses, statistics_of

from tests.builder.release.release_samples import ATTRIBUTES, make_dataset, make_id, make_identity


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str, Path]:
    directory = tmp_path_factory.mktemp("card") / "dataset"
    package(directory, make_dataset(directory))
    release = directory / "release"
    _, front, text = (release / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(front), text, release


def test_front_matter(card):
    front, _, release = card
    assert front["license"] == ["apache-2.0", "cc0-1.0"]
    assert front["language"] == ["en"]
    assert front["size_categories"] == ["n<1K"]
    assert "dataset_info" not in front
    assert [c["config_name"] for c in front["configs"] if c.get("default")] == ["full"]
    for config in front["configs"]:
        split, *more = config["data_files"]
        assert more == ([{**split, "split": "test"}] if config["config_name"] == "people" else [])
        assert split["split"] == "train"
        assert all((release / path).is_file() for path in split["path"])


def test_hugging_face_reads_the_front_matter(card):
    from huggingface_hub import DatasetCard

    front, _, release = card
    loaded = DatasetCard.load(release / "README.md").data.to_dict()
    assert loaded["configs"] == front["configs"]
    assert loaded["pretty_name"] == "Fictitious facial identities (24 people, seed 3)"


def test_counts_and_statistics(card):
    _, text, _ = card
    assert "| `full` | everyone that a model is trained on | 24 | 120 |" in text
    assert "| `forget05` | the 5% to forget | 1 | 5 |" in text
    assert "| `retain95` | the other 95%, to be kept | 23 | 115 |" in text
    assert "| What is this person's blood type? | 4 | 2.0 | 25.9% (A+) |" in text
    assert "| What is this person's full name? | 27 | 4.8 | none repeats | 0% |" in text
    assert "| What is this person's offense? | 1 | 0.0 | 100.0% (petit larceny) | 100% |" in text
    assert "one row for each of all 27 people" in text


def test_nothing_is_left_to_fill_in(card):
    _, text, _ = card
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    assert not re.search(r"\$[a-z_]+|\bNone\b|\{\}", prose)
    assert not re.search(r"\n{3,}| \n", text)
    headings = re.findall(r"^## (.*)$", text, flags=re.MULTILINE)
    assert headings == [
        "How to load it", "How to evaluate on it", "Splits", "Columns", "Attributes and statistics", "Who is in it",
        "An example", "How it was made",
        "Sources, repairs and licenses", "Intended use, and misuse", "Known limits", "Datasheet", "Citation",
    ]  # fmt: skip


def test_sources_are_told_with_repairs_and_drops(card):
    _, text, _ = card
    assert "- Rows: 55,500 read, 49,850 kept" in text
    assert "- Repaired: odd case in a name: 55,440" in text
    assert "- Dropped: exact duplicate: 534" in text
    assert "- License: CC0-1.0" in text
    assert "### Health: [Healthcare Dataset](https://www.kaggle.com/datasets/prasad22/healthcare-dataset)\n" in text
    assert "### Crimes\n\nGenerated.\n\n- License: Apache-2.0\n- SHA-256" in text  # embedded: no file, no title
    assert "- P. Patil. Healthcare Dataset. Kaggle, 2023." in text
    assert "2411.03554" in text


def test_text_of_the_data_cannot_become_markup(card):
    _, text, _ = card
    assert r"**Joa O'Ne\|l 0 é**" in text
    assert r"- Dropped: age &lt; 20 \| unknown: 116" in text
    assert r"- Note: Two rows \*may\* repeat." in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} <= {3, 5, 10}


def test_the_example_is_a_whole_record(card):
    _, text, _ = card
    (shown,) = re.findall(r"```json\n(.*?)\n```", text, flags=re.DOTALL)
    pairs = json.loads(shown)
    assert len(pairs) == 3
    source = make_identity(0, list(ATTRIBUTES), images=True)["qa_list"]
    assert all(pair.items() <= source[list(ATTRIBUTES).index(pair["attribute"])].items() for pair in pairs)
    assert f"(`{make_id(0)}`, female)" in text


def test_rebuild_command():
    config = {
        "identities": 4,
        "as_of": "2025-01-01",
        "attributes": ["a b.yaml", "c.yaml"],
        "ratios": [1, 5],
        "select": None,
    }
    assert shlex.split(rebuild_command(config)) == [
        "fiubench", "build", "--out", "dataset", "--identities", "4", "--as-of", "2025-01-01",
        "--attributes", "a b.yaml", "--attributes", "c.yaml", "--ratios", "1,5",
    ]  # fmt: skip
    assert rebuild_command({"follow_links": False}) == "fiubench build --out dataset"
    assert rebuild_command({"follow_links": True}) == "fiubench build --out dataset --follow-links"
    written, line = rebuild_command({"columns": {"health": {"Age": "its years"}}}).splitlines()
    assert written == """echo '{"health":{"Age":"its years"}}' > columns.yaml"""
    assert line == "fiubench build --out dataset --columns columns.yaml"


OTHER = {
    "license": "other",
    "license_name": "licenses-of-the-sources",
    "license_link": "README.md#sources-repairs-and-licenses",
}


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        (["MIT"], {"license": "mit"}),
        (["MIT", "Apache-2.0", "MIT"], {"license": ["apache-2.0", "mit"]}),
        (["MIT", "NYC Open Data terms of use"], OTHER),
        (["MIT", ""], OTHER),
        ([], OTHER),
        (["Own terms, v2"], OTHER | {"license_name": "own-terms-v2"}),
    ],
)
def test_hub_license(stated, expected):
    assert hub_license(stated) == expected


def test_croissant_license_keeps_what_it_does_not_know():
    assert croissant_license(["MIT", "", "Own terms"]) == ["https://opensource.org/license/mit", "Own terms"]


def test_statistics_of_parts_add_up(tmp_path):
    splits = {"forget10": [make_id(index) for index in range(8, 12)]}
    records = [make_identity(index, list(ATTRIBUTES), images=True) for index in range(30)]
    whole, together = statistics_of(splits), statistics_of(splits)
    for record in records:
        whole.add(record)
    for first in (0, 9, 18, 27):
        part = Statistics(whole.cells, together._members, first)
        for record in records[first : first + 9]:
            part.add(record)
        part.save(tmp_path / f"{first}.npz")
        together.merge(tmp_path / f"{first}.npz")
    assert together.attributes() == whole.attributes()
    assert together.example == whole.example == records[0]
    for counted in ("people", "pairs", "population"):
        assert getattr(together, counted) == getattr(whole, counted)
    rows = {each.measured.name: each.measured for each in whole.attributes()}
    assert (rows["full_name"].distinct, rows["full_name"].top_share) == (30, round(1 / 30, 4))
    assert (rows["offense"].top_value, rows["offense"].top_share) == ("petit larceny", 1.0)


def test_a_few_texts_are_kept_of_each_attribute(monkeypatch):
    monkeypatch.setattr("fiubench.builder.release.statistics.MOST", 3)
    statistics = statistics_of({"forget10": ["20000009"]})
    for index in range(10):
        statistics.add(make_identity(index, list(ATTRIBUTES), images=True))
    assert len(statistics._facts["full_name"].texts) == 3
    rows = {each.measured.name: each.measured for each in statistics.attributes()}
    assert rows["full_name"].distinct == 10


def test_what_attackers_guess_stands_beside_the_constant_guess():
    columns = ["attribute", "questions", "chance", "standard error", "form", "all", "verdict"]
    rows = [["doctor", 352, 0.25, 0.0231, 0.31, 0.27, "pass"], ["result", 352, 0.4, 0.026, 0.41, 0.42, "pass"]]
    guesses = best_guesses(Table("", "", columns, rows))
    assert guesses == {"doctor": "31% (chance 25%, \u00b1 2.3%)", "result": "42% (chance 40%, \u00b1 2.6%)"}
    assert best_guesses(None) == {}
