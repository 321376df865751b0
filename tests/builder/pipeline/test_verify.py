"""The parts of `verify` by themselves: what two documents differ in, and where sources and words are from."""

import json
import shutil
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fiubench.builder.config import make_config
from fiubench.builder.pipeline.build import records
from fiubench.builder.pipeline.manifest import resplit_fingerprint
from fiubench.builder.pipeline.verify import (
    _differing,
    _fields,
    _lines,
    _locate,
    _settings,
    _stated,
    _words_from,
    config_of,
    verify,
)
from fiubench.support.canonical import canonical_line
from fiubench.support.errors import SourceError
from fiubench.support.version import __version__

from fiubench import build


@pytest.mark.parametrize(
    ("made", "there", "lines"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"b": 1, "a": 1}, {"b": 2, "a": 2}, ["f: a: 1 | 2", "f: b: 1 | 2"]),
        ({"a": 1}, {}, ["f: a: 1 | -"]),
        ({}, {"a": None}, ["f: a: - | None"]),
        ({"a": {"b": [1, {"c": 2}]}}, {"a": {"b": [1, {"c": 3}]}}, ["f: a.b[1].c: 2 | 3"]),
        ({"a": [1, 2]}, {"a": [1]}, ["f: a: 2 entries | 1 entries"]),
        ({"a": [1, 2]}, {"a": [2, 1]}, ["f: a[0]: 1 | 2", "f: a[1]: 2 | 1"]),
        ({"a": [1]}, {"a": {"b": 1}}, ["f: a: 1 entries | 1 entries"]),
        ({"a": {}}, {"a": 1}, ["f: a: 0 entries | 1"]),
        ({"a": 1}, {"a": 1.0}, ["f: a: 1 | 1.0"]),
        ({"a": True}, {"a": 1}, ["f: a: True | 1"]),
        (1, 2, ["f: : 1 | 2"]),
        ({"a": "x" * 100}, {"a": "x" * 101}, [f"f: a: {'x' * 100} | {'x' * 100}.."]),
    ],
)
def test_every_value_that_differs_is_named(made: Any, there: Any, lines: list[str]) -> None:
    assert list(_differing("f", made, there)) == lines


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    config = make_config({"faces": "none", "identities": 20, "holdout": 0, "ratios": [10]})
    return next(iter(records(config, 0, 1)))


def test_every_field_of_an_identity_that_differs_is_named(record: dict[str, Any]) -> None:
    line, who = canonical_line(record), f"identities.jsonl, identity 7 ({record['unique_id']}): "
    other = json.loads(line)
    other["name"] = "Me"
    assert list(_fields(7, line, b"")) == [f"{who}is missing"]
    assert list(_fields(7, line, b"{")) == [f"{who}is not JSON"]
    assert list(_fields(7, line, json.dumps(record).encode())) == [f"{who}is written otherwise"]
    (violation,) = _fields(7, line, b"{}")
    assert violation.startswith(who) and "required" in violation
    (difference,) = _fields(7, line, canonical_line(other))
    assert difference.startswith("identities.jsonl: ") and difference.endswith("| Me")


def test_lines_of_a_file_that_may_be_missing(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1\n2")
    assert list(_lines(tmp_path / "a")) == [b"1\n", b"2"]
    assert list(_lines(tmp_path / "b")) == list(_lines(tmp_path)) == []


def table(path: str, declared_in: str = "clubs.yaml") -> Any:
    return SimpleNamespace(name="clubs", path=Path(path), declared_in=declared_in)


def test_where_the_file_of_a_table_is(tmp_path: Path) -> None:
    """Named itself; or beside the declaration that is named; or where that one, if it is there, says."""
    for named, expected in [
        (["x/other.csv", "x/clubs.csv"], "x/clubs.csv"),
        (["x/clubs.yaml", "y/clubs.csv"], "x/clubs.csv"),
        ([tmp_path / "clubs.yaml"], tmp_path / "moved" / "clubs.csv"),
        ([tmp_path / "clubs.csv"], tmp_path / "clubs.csv"),
    ]:
        (tmp_path / "clubs.csv").write_text("club\nChess\n")
        (tmp_path / "clubs.yaml").write_text(
            "source: clubs\nfile: moved/clubs.csv\ntitle: Clubs\ncolumns: {club: text}\n"
        )
        tables = {"clubs": table("clubs.csv")}
        _locate(tables, list(map(Path, named)))
        assert tables["clubs"].path == Path(expected)
    with pytest.raises(SourceError, match="the file of source 'clubs' is not known") as told:
        _locate({"clubs": table("clubs.csv")}, [Path("x/other.csv")])
    assert told.value.where == "clubs.csv"


def test_what_a_fingerprint_has_of_the_words() -> None:
    assert _words_from({"config": {}}) == _words_from({"config": {"qa": "template"}}) == {}
    assert _words_from({"config": {"qa": "file"}, "wordings": {"sha256": "5"}}) == {"wordings": "5"}
    assert _words_from({"config": {"qa": "file"}}) == {"wordings": ""}
    assert set(_words_from({"config": {"qa": "llm"}})) == {"prompts"}


@pytest.mark.parametrize("key", [None, "frozen_splits", "resplit"])
def test_settings_that_make_the_people_again(key: str | None) -> None:
    """Where the splits are somebody's own, those of the build need not fit."""
    settings = {**make_config({"faces": "none", "identities": 30, "ratios": [10]}).public(), "qa": "llm", "model": "m"}
    config = config_of({key: {}} if key else {}, settings, "there")
    assert (config.identities, config.qa, config.model) == (30, "template", "")
    assert list(config.ratios) == ([50] if key else [10])
    assert config_of({key: {}} if key else {}, {**settings, "split_scheme": "disjoint"}, "there").split_scheme == (
        "nested" if key else "disjoint"
    )


def test_settings_for_another_build_are_those_of_this_one(tmp_path: Path) -> None:
    """Where there are any, and the splits are still the build's."""
    config = make_config({"faces": "none", "identities": 30, "ratios": [10]})
    dataset: Any = SimpleNamespace(directory=tmp_path, manifest={"config": json.loads(json.dumps(config.public()))})
    assert list(_settings(dataset)) == []
    (tmp_path / "build.yaml").write_text("faces: none\nidentities: 40\nratios: [10]\n")
    assert list(_settings(dataset)) == ["build.yaml: identities: 30 | 40"]
    dataset.manifest["resplit"] = {}
    assert list(_settings(dataset)) == []


# --- entries of a manifest


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("built") / "dataset"
    build(make_config({"faces": "none", "identities": 18, "holdout": 2, "ratios": [10]}), out)
    return out


@pytest.fixture(scope="module")
def manifest(dataset: Path) -> dict[str, Any]:
    made: dict[str, Any] = json.loads((dataset / "manifest.json").read_text())
    return made


@pytest.mark.parametrize("change", [-1, 1])
def test_another_number_of_people(dataset: Path, manifest: dict[str, Any], tmp_path: Path, change: int) -> None:
    copy = Path(shutil.copytree(dataset, tmp_path / "copy"))
    entries = manifest["identities"][:-1] if change < 0 else [*manifest["identities"], ["99999999", "0" * 32, None]]
    (copy / "manifest.json").write_text(json.dumps({**manifest, "identities": entries}))
    assert f"20 identities are built, the manifest says {20 + change}" in list(verify(copy))


def stated(manifest: dict[str, Any], change: Callable[[dict[str, Any]], object], by_model: int = 0) -> list[str]:
    """What is said of a manifest that was changed; a file's name is taken as made, where it was changed."""
    there = deepcopy(manifest)
    change(there)
    made = {key: value for key, value in deepcopy(manifest).items() if key != "release"}
    made["sources"]["health"]["file"] = there["sources"]["health"]["file"]
    inputs = SimpleNamespace(fingerprint=lambda config: manifest["fingerprint"])
    return list(_stated(there, made, inputs, by_model))  # type: ignore[arg-type]


def in_source(published: bool, name: str, **entry: Any) -> Callable[[dict[str, Any]], object]:
    def change(manifest: dict[str, Any]) -> None:
        manifest["sources"][name] |= entry
        if published:
            manifest["published"] = {}

    return change


@pytest.mark.parametrize("file", ["a.csv", "h.csv"])  # before and after "embedded"
def test_whoever_published_says_whose_the_files_are(manifest: dict[str, Any], file: str) -> None:
    other = {"title": "Mine", "license": "mine"}
    license_, title = (manifest["sources"]["health"][key] for key in ("license", "title"))
    lines = [
        f"manifest.json: sources.health.license: {license_} | mine",
        f"manifest.json: sources.health.title: {title} | Mine",
    ]
    assert stated(manifest, in_source(True, "health", file=file, **other)) == []
    assert stated(manifest, in_source(False, "health", file=file, **other)) == lines
    assert stated(manifest, in_source(True, "health", **other)) == lines  # what comes with the package is not theirs
    assert stated(manifest, in_source(True, "health", file=file, kept=7)) == [
        f"manifest.json: sources.health.kept: {manifest['sources']['health']['kept']} | 7"
    ]


def test_versions_libraries_and_the_fingerprint(manifest: dict[str, Any]) -> None:
    numpy = manifest["libraries"]["numpy"]
    assert stated(manifest, lambda m: None) == []
    assert stated(manifest, lambda m: m["libraries"].update(numpy="1")) == []
    assert stated(manifest, lambda m: m["libraries"].pop("numpy")) == [f"manifest.json: libraries.numpy: {numpy} | -"]
    assert stated(manifest, lambda m: m["sources"].pop("crimes"))[0].startswith("manifest.json: sources.crimes: ")
    (line,) = stated(manifest, lambda m: m.update(fiubench_version="9.9.9", fingerprint="0"))
    assert line.startswith(f"manifest.json: fiubench_version: {__version__} | 9.9.9: what another version")
    assert stated(manifest, lambda m: m.update(fingerprint="0")) == [
        f"manifest.json: fingerprint: {manifest['fingerprint']} | 0"
    ]


def test_counts_of_what_a_model_worded(manifest: dict[str, Any]) -> None:
    pairs = manifest["counts"]["qa_pairs"]
    words = {"sha256": "0", "model": "m", "by_model": 5, "by_template": pairs - 5}
    assert stated(manifest, lambda m: m.update(wordings=words), by_model=5) == []
    assert stated(manifest, lambda m: m.update(wordings=words), by_model=4) == [
        "manifest.json: wordings.by_model: 4 | 5",
        f"manifest.json: wordings.by_template: {pairs - 4} | {pairs - 5}",
    ]


def test_people_of_a_split(manifest: dict[str, Any]) -> None:
    def change(m: dict[str, Any], holdout: int = 4) -> None:
        m |= {"resplit": {"holdout": 4}, "config": {**m["config"], "seed": 5}}
        m["counts"] |= {"identities": 20 - holdout, "holdout": holdout}
        made = {key: value for key, value in m.items() if key != "release"}
        m["fingerprint"] = resplit_fingerprint(made)

    assert stated(manifest, change) == []
    assert stated(manifest, lambda m: change(m, 3))[:2] == [
        "manifest.json: counts.holdout: 4 | 3",
        "manifest.json: counts.identities: 16 | 17",
    ]
