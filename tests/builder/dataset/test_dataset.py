"""Reading files of records: JSON lines and JSON arrays, one record at a time."""

import json
from pathlib import Path

import pytest
from fiubench.schemas.documents import identity_at, read_records
from fiubench.support.errors import DatasetError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fiubench import build

RECORDS = st.lists(
    st.dictionaries(st.text(max_size=5), st.recursive(st.text() | st.integers() | st.none(), st.lists, max_leaves=5)),
    min_size=1, max_size=20,
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(RECORDS, st.sampled_from([None, 2]), st.booleans())
def test_arrays_and_lines_read_alike(tmp_path: Path, records: list[dict], indent: int | None, ascii_only: bool) -> None:
    array, lines = tmp_path / "a.json", tmp_path / "l.json"
    try:
        array.write_text(json.dumps(records, indent=indent, ensure_ascii=ascii_only), encoding="utf-8")
        lines.write_text("\n".join(json.dumps(r, ensure_ascii=ascii_only) for r in records), encoding="utf-8")
    except UnicodeEncodeError:  # lone surrogates are no text
        return
    assert list(read_records(array)) == records
    if not any("\\ud" in json.dumps(r).lower() for r in records):
        assert list(read_records(lines)) == records


def test_an_array_is_never_held_whole(tmp_path: Path) -> None:
    import tracemalloc

    file = tmp_path / "big.json"
    one = json.dumps({"unique_id": "1", "text": "x" * 10_000})
    file.write_text("[" + ",".join([one] * 3000) + "]")
    tracemalloc.start()
    assert sum(1 for _ in read_records(file)) == 3000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000  # of 30 MB


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("\n\n", "empty"),
        ("[]", "empty"),
        ("[{}", "does not end"),
        ('[{"a": 1} {"b": 2}]', "',' is expected"),
        ('[{"a": 1}, {"b": ]', "record 2"),
        ('{"a": 1}\n{"b"', "line 2"),
        ("7", "no object"),
    ],
)
def test_faults_are_named(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "full.json"
    file.write_text(text)
    with pytest.raises(DatasetError, match=says):
        list(read_records(file))


def test_one_identity_is_found_without_the_others(tmp_path: Path) -> None:
    built = build({"identities": 60, "holdout": 0, "ratios": [10], "faces": "none"}, tmp_path / "built").dataset
    records = list(built)
    for record in records:
        assert identity_at(built.directory / "identities.jsonl", record["index"]) == record
        assert built.identity(record["unique_id"]) == built.identity(str(record["index"])) == record
    assert built.identity(records[-1]["name"].upper()) == records[-1]
    for strange in ("60", "-1", "007", "9" * 5000, "\u0661", ""):
        with pytest.raises(DatasetError, match="no identity"):
            built.identity(strange)
    file = built.directory / "identities.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([*lines[:5], b"{spoiled\n", *lines[6:]]))
    assert built.identity("50") == records[50]
    for key in ("5", "nobody"):
        with pytest.raises(DatasetError, match="not JSON"):
            built.identity(key)
