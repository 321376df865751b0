"""A dataset made from a table of the user's own: built, verified, audited and resplit like any other."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from fiubench.builder.pipeline.build import build
from fiubench.builder.pipeline.verify import verify
from fiubench.builder.rules.validate import validate
from fiubench.support.canonical import file_digest
from fiubench.support.errors import SourceError

import fiubench
from fiubench import make_config, schemas
from tests import commands

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "table"


@pytest.fixture
def town(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLE, tmp_path / "town"))


def settings(town: Path, **given: Any) -> dict[str, Any]:
    files = {"tables": [str(town / "clubs.yaml")], "attributes": [str(town / "membership.yaml")]}
    return {**files, "faces": "none", "identities": 20, "holdout": 2, "ratios": [10], **given}


def command(*arguments: object, code: int = 0) -> str:
    done = commands.fiubench(*arguments)
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def test_a_dataset_holds_what_the_table_says(tmp_path: Path, town: Path) -> None:
    out = tmp_path / "d"
    manifest = build(make_config(settings(town)), out).manifest
    assert not list(schemas.violations("manifest", manifest))
    source = manifest["sources"]["clubs"]
    assert {key: source[key] for key in ("title", "file", "license", "read", "kept")} == {
        "title": "Clubs of Example Town", "file": "clubs.csv", "license": "CC0-1.0", "read": 288, "kept": 288
    }  # fmt: skip
    assert source["sha256"] == file_digest(town / "clubs.csv")
    assert manifest["tables"][0]["content"]["columns"]["founded"] == {"header": "Founded in", "type": "integer"}
    assert str(town) not in json.dumps(manifest)
    rows = [line.split(",") for line in (town / "clubs.csv").read_text().splitlines()[1:]]
    activity = {club: kind for club, kind, _ in rows}
    founded = {club: int(year) for club, _, year in rows}
    people = [json.loads(line) for line in (out / "identities.jsonl").open()]
    assert len({person["profile"]["club"]["value"] for person in people}) == 22
    for person in people:
        club = person["profile"]["club"]["value"]
        assert person["profile"]["club_founded"]["value"] == founded[club]
        assert person["profile"]["club"]["from"] == "clubs.club"
        (asked,) = (qa for qa in person["qa_list"] if qa["attribute"] == "club")
        wrong = [next(name for name in activity if name in text) for text in asked["perturbed_answer"]]
        assert {activity[name] for name in wrong} == {activity[club]} and club not in wrong
    card = (out / "release" / "README.md").read_text()
    assert "### Clubs: Clubs of Example Town" in card and "Clubs of Example Town. Invented for fiubench." in card
    assert "--table clubs.yaml" in card
    assert not list(validate(out))


def test_the_finished_dataset_needs_no_declaration(tmp_path: Path, town: Path) -> None:
    out = tmp_path / "d"
    build(make_config(settings(town)), out)
    (town / "clubs.yaml").unlink()
    (town / "membership.yaml").unlink()
    assert not list(validate(out))
    assert not list(verify(out))  # the table still lies where the declaration was
    assert not fiubench.audit(out, attacks=False).failures
    resplit = tmp_path / "other"
    command("split", out, "--out", resplit, "--ratios", "20")
    (town / "clubs.csv").rename(tmp_path / "clubs.csv")
    with pytest.raises(SourceError, match=r"clubs\.csv: no such file"):
        list(verify(out))
    assert not list(verify(out, {"tables": [tmp_path / "clubs.csv"]}))
    assert "every digest agrees" in command("verify", resplit, "--table", tmp_path / "clubs.csv")
    with (tmp_path / "clubs.csv").open("a") as file:
        file.write("New Club,chess,1999\n")
    with pytest.raises(SourceError, match="is not what the dataset was built from"):
        list(verify(out, {"tables": [tmp_path / "clubs.csv"]}))


def test_a_pulled_release_says_which_file_it_needs(tmp_path: Path, town: Path) -> None:
    out = tmp_path / "d"
    build(make_config(settings(town)), out)
    (out / "build.yaml").unlink()
    with pytest.raises(SourceError, match=r"(?s)the file of source 'clubs' is not known.*--table"):
        list(verify(out))
    assert not list(verify(out, {"tables": [town / "clubs.yaml"]}))


def test_workers_and_the_declarations_layout_change_nothing(tmp_path: Path, town: Path) -> None:
    one = build(make_config(settings(town)), tmp_path / "one").manifest
    (town / "clubs.yaml").write_text("# moved\n" + (town / "clubs.yaml").read_text())
    two = build(make_config(settings(town)), tmp_path / "two", workers=2).manifest
    assert (one["digests"], one["fingerprint"]) == (two["digests"], two["fingerprint"])


def test_fewer_rows_than_people(town: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"clubs\.csv: 288 usable rows, and 440 identities"):
        build(make_config(settings(town, identities=400, holdout=40)), tmp_path / "d")
    assert not (tmp_path / "d").exists()


def test_addresses_of_a_table_may_recur(tmp_path: Path) -> None:
    """Wrong values of a column of objects are counted and drawn, too."""
    places = ["New York, NY 10280", "Eagle Rock, VA 24085", "Boston, MA 02110", "Chicago, IL 60601"]
    cells = [f'"{k % 2 + 1} Oak Lane, {place}"' for k in range(12) for place in places]
    (tmp_path / "homes.csv").write_text("\n".join(["home", *cells]) + "\n")
    (tmp_path / "homes.yaml").write_text(
        "source: homes\nfile: homes.csv\ntitle: Homes\ncolumns: {home: address}\n", encoding="utf-8"
    )
    (tmp_path / "pack.yaml").write_text(
        (EXAMPLE / "membership.yaml").read_text().split("  - name: club_founded")[0]
        .replace("clubs.club", "homes.home").replace("type: text", "type: address")
    )  # fmt: skip
    given = {"tables": [str(tmp_path / "homes.yaml")], "attributes": [str(tmp_path / "pack.yaml")]}
    build(make_config({**settings(EXAMPLE), **given}), tmp_path / "d")
    people = [json.loads(line) for line in (tmp_path / "d" / "identities.jsonl").open()]
    known = {cell.strip('"') for cell in cells}
    for person in people:
        (asked,) = (qa for qa in person["qa_list"] if qa["attribute"] == "club")
        assert all(any(text.endswith(f"{home}.") for home in known) for text in asked["perturbed_answer"])


def test_commands(town: Path) -> None:
    table, pack = town / "clubs.yaml", town / "membership.yaml"
    shown = command("sources", "check", table)
    assert "clubs (288 read, 288 kept)" in shown and "Alder Street Chess Club" in shown
    assert "clubs.founded              integer" in command("sources", "show", table)
    assert "attributes: 2, asked about: 2" in command("attributes", "check", pack, "--table", table)
    assert "Street" in command("attributes", "preview", pack, "--table", table, "--identities", 9)
    assert "club_founded" in command("attributes", "list", "--attributes", pack, "--table", table)
    assert "0 failed" in command("phrasings", "check", pack, "--table", table)
    files = ("--table", table, "--attributes", pack)
    assert "clubs.club, row" in command("preview", "--faces", "none", "--identities", 1, *files)
    assert "--table" in command("attributes", "check", pack, code=2)
