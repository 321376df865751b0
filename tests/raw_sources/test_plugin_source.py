"""A source of somebody's own: one file, used like the built-in ones."""

import json
import os
from pathlib import Path

from fiubench.support.canonical import file_digest

from tests import commands

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "plugin"
PLUGIN = EXAMPLE / "fiubench_town" / "employers.py"


def fiubench(*arguments: object, check: bool = True) -> str:
    done = commands.fiubench(*arguments, "--plugin", PLUGIN, env={**os.environ, "COLUMNS": "120"})
    assert not check or not done.returncode, done.stderr
    return done.stdout + done.stderr


def test_a_source_of_ones_own(tmp_path: Path) -> None:
    build = ("build", "--out", tmp_path / "d", "--identities", 50, "--holdout", 5, "--ratios", 10, "--faces", "none")
    own = ("--employers", EXAMPLE / "employers.csv", "--attributes", EXAMPLE / "employers.yaml")
    assert "employers.csv" in fiubench(*build, *own)
    manifest = json.loads((tmp_path / "d" / "manifest.json").read_text())
    assert manifest["config"]["employers"] == "employers.csv"
    assert manifest["sources"]["employers"]["kept"] == 128
    assert manifest["sources"]["employers"]["license"] == "CC0-1.0"
    assert manifest["plugins"]["source employers"] == {
        "plugin": "employers.py", "version": "", "sha256": file_digest(PLUGIN)
    }  # fmt: skip
    known = {line.split(",")[0] for line in (EXAMPLE / "employers.csv").read_text().splitlines()[1:]}
    records = [json.loads(line) for line in (tmp_path / "d" / "identities.jsonl").open()]
    values = [record["profile"]["employer"] for record in records]
    assert {value["value"] for value in values} <= known and len({value["value"] for value in values}) == 55
    assert all(value["from"] == "employers.employer" for value in values)
    assert all("employers" in record["rows"] for record in records)
    assert "valid" in fiubench("validate", tmp_path / "d")
    assert "every digest agrees" in fiubench("verify", tmp_path / "d")
    assert "employers" in (tmp_path / "d" / "release" / "README.md").read_text()


def test_it_is_listed_and_recognised(tmp_path: Path) -> None:
    assert "--employers" in fiubench("build", "--help")
    assert "Employers of Example Town" in fiubench("sources", "list")
    checked = fiubench("sources", "check", EXAMPLE / "employers.csv")
    assert "employers (128 read, 128 kept)" in checked and "Northgate Bakery" in checked
    listed = fiubench("plugins")
    assert "employers.py" in listed and file_digest(PLUGIN)[:12] in listed


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    build = ("build", "--out", tmp_path / "d", "--identities", 20, "--ratios", 10, "--faces", "none")
    said = fiubench(*build, "--attributes", EXAMPLE / "employers.yaml", check=False)
    assert "--employers" in said and "A CSV file with the columns Employer and Industry." in said
    assert not (tmp_path / "d").exists()
    (tmp_path / "clash.py").write_text(PLUGIN.read_text().replace('name = "employers"', 'name = "health"'))
    clash = fiubench("--plugin", tmp_path / "clash.py", "sources", "list", check=False)
    assert "two sources are called 'health': one of fiubench, one of clash.py" in clash
    (tmp_path / "broken.py").write_text("import nothing_of_that_name\n")
    assert "broken.py: can't be loaded: ModuleNotFoundError" in fiubench(
        "--plugin", tmp_path / "broken.py", "sources", "list", check=False
    )
