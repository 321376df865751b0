"""Tables that repeat what the code declares, links, citation. Measures, formats and metrics have their own tests."""

import re
from pathlib import Path

import pytest
import yaml
from fiubench.builder.audit.registry import MEASURES, declared_measures
from fiubench.builder.dataset.adapter import ADAPTERS
from fiubench.builder.values.base import VALUE_TYPES
from fiubench.cli.plugins import registries
from fiubench.unlearning.attacks.base import ATTACKS
from fiubench.unlearning.methods.base import METHODS
from fiubench.unlearning.training.settings import preset_names

from tests.test_architecture import BASE, MAY_IMPORT

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"\[[^]]*\]\(([^)\s]+)\)")


def table(page: str, heading: str) -> list[list[str]]:
    """The rows of the first table after a line, without its head."""
    after = (ROOT / "docs" / page).read_text().split(f"\n{heading}", 1)[1]
    rows = re.search(r"^\|.*\n\|[-| ]+\n((?:\|.*\n)+)", after, re.MULTILINE)
    assert rows, heading
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows[1].splitlines()]


def named(cells: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", cells))


def test_arrows() -> None:
    rows = {room.strip("`"): may for room, may in table("architecture.md", "## Rooms and arrows")}
    assert rows.keys() == MAY_IMPORT.keys()
    for room, may in MAY_IMPORT.items():
        assert named(rows[room]) == (may if room == "schemas" else may - BASE), room


def test_methods() -> None:
    assert {row[0].strip("`") for row in table("unlearning.md", "## Methods")} == {*METHODS}


def test_attacks() -> None:
    assert {name for row in table("attacks.md", "## The attacks") for name in named(row[0])} == {*ATTACKS}


def test_released_losses() -> None:
    assert {row[0].strip("`") for row in table("unlearning.md", "### Losses as released")} == {
        name for name, method in METHODS.items() if method.trains
    }


def test_presets() -> None:
    assert {row[0].strip("`") for row in table("unlearning.md", "## Presets")} == {*preset_names()}


def test_value_types() -> None:
    assert {name for row in table("attributes.md", "## Types") for name in named(row[0])} == {*VALUE_TYPES}


def test_adapters() -> None:
    assert {row[0].strip("`") for row in table("audit.md", "## Others' datasets")} == {*ADAPTERS}


def test_groups_of_entry_points() -> None:
    """The words "Ten kinds" too, in both pages: a kind that is new is counted by whoever adds it."""
    kinds = registries()
    words = {9: "Nine kinds", 10: "Ten kinds", 11: "Eleven kinds", 12: "Twelve kinds"}[len(kinds)]
    rows = table("how-to/index.md", words)
    assert {row[2].strip("`") for row in rows} == {kind.group for kind in kinds}
    contributing = (ROOT / "CONTRIBUTING.md").read_text()
    assert words in contributing
    for row in rows:
        assert f"[docs/how-to/{row[1].split('(')[1].rstrip(')')}]" in contributing, row[0]


def test_the_readme_counts_and_lists_what_there_is() -> None:
    page = (ROOT / "README.md").read_text()
    measures = [name for name in declared_measures() if MEASURES.plugin(name) is None]
    assert f"# {len(measures)} measures, as one page" in page
    own = [name for name in METHODS if METHODS.plugin(name) is None]
    assert {20: "twenty methods", 21: "twenty-one methods", 22: "twenty-two methods"}[len(own)] in page
    assert {f"`fiubench.{kind}`" for kind in re.findall(r"`fiubench\.([a-z_]+)`", page)} == {
        f"`{kind.group}`" for kind in registries()
    }


PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """As a code host shows the pages; `make docs` holds those of the site."""
    for target in LINK.findall(page.read_text()):
        path, _, anchor = target.partition("#")
        if path.startswith(("http", "../reference/cli.md#")):
            continue
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings}, target


def test_every_page_is_in_the_site() -> None:
    nav = (ROOT / "mkdocs.yml").read_text().split("nav:\n")[1]
    listed = set(re.findall(r"[\w/-]+\.md", nav))
    assert listed == {str(p.relative_to(ROOT / "docs")) for p in (ROOT / "docs").rglob("*.md")}


def test_the_citation() -> None:
    from fiubench.support.version import __version__

    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == __version__
    assert f"version = {{{__version__}}}" in (ROOT / "README.md").read_text()
