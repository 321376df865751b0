"""A format of the user's own is one file, and is whole: export, validation, options, lists and record."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import datasets
import jsonschema
import pytest
import yaml
from fiubench.schemas.splits import plain

from fiubench import build, make_config, open_dataset
from tests.commands import ROOT, fiubench

SHAREGPT = ROOT / "examples" / "plugin" / "fiubench_town" / "sharegpt.py"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("built") / "dataset"
    build(make_config({"identities": 60, "holdout": 6, "ratios": [5, 10], "image_size": 64}), out)
    return out


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return shutil.copy(SHAREGPT, tmp_path / "sharegpt.py")


def run(*arguments: object, code: int = 0, **env: str) -> str:
    done = fiubench(*arguments, env={**os.environ, **env})
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return " ".join((done.stdout + done.stderr).split())


@pytest.mark.slow
def test_exported_end_to_end(dataset: Path, plugin: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    given = ("--format", "sharegpt", "--option", "system=Answer briefly.")
    printed = run("--plugin", plugin, "export", dataset, *given, "--out", out)
    assert "ShareGPT conversations, for fine-tuning chat models" in printed
    splits = open_dataset(dataset).splits
    schema = json.loads(run("--plugin", plugin, "formats", "show", "sharegpt").partition("schema ")[2])
    for name, ids in {**splits, "full": range(60)}.items():
        rows = json.loads((out / f"{plain(name)}.json").read_text())
        assert len(rows) == 20 * len(ids)
        for row in rows:
            jsonschema.validate(row, schema)
            assert row["system"] == "Answer briefly."
            assert (out / row["images"][0]).is_file()
    assert len(list(datasets.load_dataset(str(out), "forget05", split="train", streaming=True))) == 60


def test_recorded_where_the_export_says_what_it_is(dataset: Path, plugin: Path, tmp_path: Path) -> None:
    run("export", dataset, "--plugin", plugin, "--format", "sharegpt", "--option", "system=Hi", "--out", tmp_path / "x")
    _, front, text = (tmp_path / "x" / "README.md").read_text().split("---\n")
    sha256 = hashlib.sha256(plugin.read_bytes()).hexdigest()
    expected = {"format sharegpt": {"plugin": "sharegpt.py", "version": "", "sha256": sha256}}
    assert yaml.safe_load(front)["plugins"] == expected
    assert '`fiubench export --format sharegpt --option system="Hi"`' in text


def test_listed_like_a_built_in_one(plugin: Path) -> None:
    listed = run("--plugin", plugin, "formats", "list")
    assert "sharegpt ShareGPT conversations, for fine-tuning chat models" in listed
    assert "cloze Fill in the blank" in listed
    assert "sharegpt" not in run("formats", "list")
    assert "text-only, tofu, trl, umu, sharegpt." in run("export", "--help", "--plugin", plugin, COLUMNS="200")
    assert "format sharegpt sharegpt.py" in run("--plugin", plugin, "plugins")
    shown = run("formats", "show", "sharegpt", "--plugin", plugin)
    assert "system" in shown
    assert "System prompt before every conversation" in shown


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("--format", "sharegtp"), "Did you mean 'sharegpt'?"),
        (("--format", "sharegpt", "--option", "sytem=x"), "unknown setting 'sytem' Did you mean 'system'?"),
        (
            ("--format", "sharegpt", "--option", "system=3"),
            "--format sharegpt: system: should be a valid string, not 3",
        ),
        (("--format", "sharegpt", "--option", "system"), "'system' is not of the form NAME=VALUE"),
        (("--format", "llava", "--option", "system=x"), "unknown setting 'system'"),
    ],
)
def test_what_is_refused(dataset: Path, plugin: Path, tmp_path: Path, given: tuple[str, ...], message: str) -> None:
    assert message in run("--plugin", plugin, "export", dataset, *given, "--out", tmp_path / "x", code=2)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"from": "human"', '"from": "somebody"', 'conversations[0].from: "somebody" is not one of'),
        ('"type": "object"', '"type": "thing"', "row_schema is no JSON Schema"),
        ('name = "sharegpt"', 'name = "llava"', "two formats are called 'llava'"),
    ],
)
def test_faults_of_a_plug_in_are_named(
    dataset: Path, plugin: Path, tmp_path: Path, old: str, new: str, message: str
) -> None:
    text = plugin.read_text()
    assert old in text
    plugin.write_text(text.replace(old, new, 1))
    name = "llava" if "llava" in new else "sharegpt"
    assert message in run("--plugin", plugin, "export", dataset, "--format", name, "--out", tmp_path / "x", code=2)
    assert not (tmp_path / "x").exists()
