"""What people give as a CSV file, and what they are told."""

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from fiubench.raw_sources.reading.csvfile import (
    count_repaired,
    first_of_each,
    map_distinct,
    passing,
    read_columns,
    read_header,
)
from fiubench.raw_sources.table import FileTable, Report
from fiubench.support.errors import SourceError
from hypothesis import given
from hypothesis import strategies as st

WANTED = {"name": ("Name", "full_name"), "age": ("Age",)}


def read(tmp_path: Path, data: bytes, **options: tuple[str, ...]) -> tuple[dict[str, list[str]], Report]:
    report = Report()
    table = read_columns(written(tmp_path, data), WANTED, report, **options)
    return table.to_pydict(), report


def written(tmp_path: Path, data: bytes, name: str = "file.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


def refusal(path: Path) -> SourceError:
    with pytest.raises(SourceError) as caught:
        read_columns(path, WANTED, Report())
    assert caught.value.where == str(path)
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    "data",
    [
        b"Name,Age,Room\nAnn,41,7\nBob,52,8\n",
        b"\xef\xbb\xbfName,Age\r\nAnn,41\r\nBob,52\r\n",  # BOM, CRLF
        b"Name,Age\rAnn,41\rBob,52\r",  # old Macintosh
        b"\xef\xbb\xbf\r\n\r\nName,Age\r\n\r\nAnn,41\r\nBob,52",  # blank lines, no newline at the end
        b",AGE, full_NAME ,x\n0,41,Ann,\n1,52,Bob,\n",  # other order, case, spelling; an index column without a name
        b'"Name","Age"\n"Ann","41"\n"Bob","52"\n',
        "Name,Age,Café\nAnn,41,é\nBob,52,ü\n".encode(),
    ],
)
def test_same_table_however_it_is_written(tmp_path: Path, data: bytes) -> None:
    columns, report = read(tmp_path, data)
    assert columns == {"name": ["Ann", "Bob"], "age": ["41", "52"]}
    assert report == Report(read=2)


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="two columns are called 'Name'"):
        read(tmp_path, b"Name,Age,Name\nAnn,41,x\n")
    assert read(tmp_path, b"Name,Age,x,x\nAnn,41,1,2\n")[0]["name"] == ["Ann"]  # of columns that are not wanted, any


def test_values_keep_quotes_commas_and_line_breaks(tmp_path: Path) -> None:
    columns, _ = read(tmp_path, b'Name,Age\n"Ann ""Al"" Lee, MD","4\n1"\n6" Bob,052\nNA,\n')
    assert columns == {"name": ['Ann "Al" Lee, MD', '6" Bob', "NA"], "age": ["4\n1", "052", ""]}


@pytest.mark.parametrize("value", [b"x" * (1 << 20), b'"' + (b"x" * 200_000 + b"\n") * 5 + b'"'])
def test_long_values(tmp_path: Path, value: bytes) -> None:
    columns, report = read(tmp_path, b'Name,Age\n%s,41\nBob,"5\n2"\n' % value)  # with line breaks: quotes are looked at
    assert columns == {"name": [value.strip(b'"').decode(), "Bob"], "age": ["41", "5\n2"]}
    assert report == Report(read=2)


def test_what_nobody_asked_for_may_be_anything(tmp_path: Path) -> None:
    columns, _ = read(tmp_path, b"Name,Age,Note\nAnn,41,caf\xe9\nBob,52,\n")
    assert columns == {"name": ["Ann", "Bob"], "age": ["41", "52"]}


def test_plain_file_named_like_an_archive(tmp_path: Path) -> None:
    table = read_columns(written(tmp_path, b"Name,Age\nAnn,41\n", "file.csv.gz"), WANTED, Report())
    assert table.num_rows == 1


def test_ragged_rows_are_counted(tmp_path: Path) -> None:
    columns, report = read(tmp_path, b"Name,Age\nAnn,41\nBob\nCy,1,2\nDee,30\n")
    assert columns["name"] == ["Ann", "Dee"]
    assert report == Report(read=4, dropped=Counter({"wrong number of fields": 2}))
    assert report.kept == 2


def test_ragged_rows_are_counted_across_blocks(tmp_path: Path) -> None:
    rows = [b"x" * 40 + b",1" * (1 + (i % 7 == 0)) + b"\n" for i in range(400_000)]
    report = Report()
    table = read_columns(written(tmp_path, b"Name,Age\n" + b"".join(rows)), WANTED, report)
    assert report.dropped == Counter({"wrong number of fields": 57_143})
    assert table.num_rows == report.kept == 400_000 - 57_143


def test_many_blocks_with_dictionaries_that_differ(tmp_path: Path) -> None:
    rows = b"".join(b"%s,%d\n" % (b"x" * 40, i // 1000) for i in range(400_000))  # 18 MB, read in 8 MB blocks
    report = Report()
    table = read_columns(written(tmp_path, b"Name,Age\n" + rows), WANTED, report, repeated=("name", "age"))
    assert table["age"].num_chunks > 1
    ages = map_distinct(table["age"], int, pa.int64())
    assert np.array_equal(np.asarray(ages), np.arange(400_000) // 1000)
    assert report.read == 400_000


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf", "the file is empty"),
        (b"\r\n \r\n", "the file is empty"),
        (b"Name,Age\n", "there is a header and no row"),
        (b"Name,Age", "there is a header and no row"),
        (b"Name,Age\nAnn\nBob\n", "none of 2 rows has as many fields as the header"),
        (b"\xfd7zXZ\0\0\4", "an xz archive, not a table"),
        (b"\x28\xb5\x2f\xfd\0", "a Zstandard archive, not a table"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive, not a table"),
        (b"SQLite format 3\0", "an SQLite database, not a table"),
        (b"BZh91AY&SY", "a bzip2 archive, not a table"),
        (b"%PDF-1.7\n", "a PDF document, not a table"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "an old or encrypted spreadsheet, not a table"),
        (b'[{"Name": "Ann", "Age": 41}]', "a JSON array, not a table"),
        (b"\n <!DOCTYPE html><html>", "a web page, not a table"),
        ("Name,Age\nAnn,41\n".encode("utf-32"), "UTF-32 text, not a table"),
        (b"Name,Age\nAnn,41\nJos\xe9,52\nB\x81b,52\n", "neither UTF-8 nor cp1252 text (line 4, byte 2)"),
        (
            "Name,Age\nJosé,52\n".encode() + b"Jos\xe9,41\n",
            "text in two encodings: line 2 holds UTF-8, and others do not",
        ),
        (b"Name,Age\nAnn,4\x001\n", "binary data (a NUL at byte 15), not a table"),
        (b"Name,Age\n" + b"Ann,41\n" * 20_000 + b"Bob,\x005\n", "binary data (a NUL at byte 140014), not a table"),
        (b'"Name,Age\nAnn,41\n', "a quotation mark is opened in the header and never closed"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, data: bytes, what: str) -> None:
    assert refusal(written(tmp_path, data)).what == what


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        (b'Ann,41\n"Bob,52\nCy,63\n', 3),  # to the end of the file; the row has too few fields
        (b'Ann,41\nBob,"52\nCy,63\n', 3),  # the same with the right number of fields: a parser is content
        (b'Ann,41\nBob,"52', 3),
        (b'Ann,"41\nBob,52\nCy,"63\nDee,74\n', 2),  # to the next mark
        (b'Ann,41\nBob,"52\n' + b"Cy,63\n" * 50 + b'"\nDee,74\n', 3),  # closed, but far below
    ],
)
def test_open_quotation_mark_swallows_nothing_silently(tmp_path: Path, rows: bytes, line: int) -> None:
    error = refusal(written(tmp_path, b"Name,Age\n" + rows))
    assert error.what == f"a quotation mark opened in line {line} is not closed where its value ends"


def test_record_without_an_end(tmp_path: Path) -> None:
    error = refusal(written(tmp_path, b"Name,Age\n" + b"x" * (17 << 20) + b",1\n"))
    assert error.what == "a record is longer than 8 MB"


def test_missing_columns_are_all_named(tmp_path: Path) -> None:
    error = refusal(written(tmp_path, b"Nam,Room\nAnn,7\n"))
    assert error.what == "no column 'Name', 'Age' in the header"
    assert error.hint == "Did you mean 'Nam'? Columns with names of their own are named with --columns FILE."


def test_no_file(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.csv").what == "no such file"
    assert refusal(written(tmp_path, b"") / "inner.csv").what == "no such file"
    assert refusal(tmp_path / "nul\0.csv").what == "no such file"
    assert refusal(tmp_path).what == "a folder, not a file"


def test_pipe_is_told_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path / "pipe").what == "a pipe or a device, not a file"


def test_header_alone(tmp_path: Path) -> None:
    assert read_header(written(tmp_path, b'\xef\xbb\xbf\n"Blood Type", Age\r\nA+,41\n')) == ["Blood Type", "Age"]


@given(st.lists(st.sampled_from(["a", "B", "", "c c", "None"]), min_size=1), st.integers(1, 3))
def test_map_distinct_is_map(values: list[str], chunks: int) -> None:
    parts = [values[i::chunks] for i in range(chunks)]
    calls = Counter[str]()

    def function(value: str) -> str | None:
        calls[value] += 1
        return value.upper() or None

    for kind in (pa.string(), pa.dictionary(pa.int32(), pa.string())):
        calls.clear()
        column = pa.chunked_array([pa.array(part, pa.string()).cast(kind) for part in parts], type=kind)
        expected = [value.upper() or None for part in parts for value in part]
        assert map_distinct(column, function).to_pylist() == expected
        assert max(calls.values()) == 1
        encoded = map_distinct(column, function, encoded=True)
        assert encoded.to_pylist() == expected
        assert len(set(encoded.dictionary.to_pylist())) == len(encoded.dictionary)


def test_each_row_counts_under_the_first_check_it_fails() -> None:
    report = Report(read=5)
    checks = [
        ("blank", pa.array([True, False, True, False, True])),
        ("young", pa.array([True, False, None, True, True])),
    ]
    good = passing(checks, 5, report)
    assert good.tolist() == [True, False, False, False, True]
    assert report.dropped == Counter(young=1, blank=2)
    assert report.kept == good.sum()
    count_repaired({"case": pa.array([True, True, True, None, None]), "none": np.zeros(5, bool)}, good, report)
    assert report.repaired == Counter(case=1)


@given(st.lists(st.sampled_from("abcde"), min_size=1))
def test_first_of_each(keys: list[str]) -> None:
    mask = first_of_each(pa.array(keys))
    assert [key for key, first in zip(keys, mask, strict=True) if first] == list(dict.fromkeys(keys))


def test_nothing_left_is_an_error(tmp_path: Path) -> None:
    report = Report(read=3, dropped=Counter({"under 20": 2, "negative amount": 1}))
    with pytest.raises(SourceError, match="no row of 3 can be used: 2 under 20, 1 negative amount"):
        FileTable.of_file("health", {"age": "integer"}, tmp_path, report, pa.table({"age": []}), np.empty(0, np.int64))
