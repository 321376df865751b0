"""Hostile, damaged and odd files: refused with what mends it, and nothing is left behind."""

import codecs
import gzip
import io
import struct
import tempfile
import zipfile
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from fiubench.raw_sources.reading import packed
from fiubench.raw_sources.reading.csvfile import read_columns, read_header
from fiubench.raw_sources.table import Report
from fiubench.support.errors import SourceError

from tests.raw_sources.table_files import gzipped, parquet_bytes, saved, workbook, zipped

WANTED = {"name": ("Name",), "age": ("Age",)}
PLAIN = b"Name,Age\nAnn,41\nBob,52\n"
TABLE = {"name": ["Ann", "Bob"], "age": ["41", "52"]}


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where files are unpacked; it is empty again after every test."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert not list(folder.iterdir())


def read(tmp_path: Path, data: bytes, name: str = "file.csv") -> dict[str, list[str]]:
    path = saved(tmp_path, data, name)
    columns: dict[str, list[str]] = read_columns(path, WANTED, Report()).to_pydict()
    assert {"Name", "Age"} <= {found.strip() for found in read_header(path)}
    return columns


def refusal(tmp_path: Path, data: bytes) -> SourceError:
    path = saved(tmp_path, data)
    with pytest.raises(SourceError) as caught:
        read_columns(path, WANTED, Report())
    assert caught.value.where == str(path)
    assert caught.value.hint
    return caught.value


def encrypted() -> bytes:
    """A zip archive whose member is marked as encrypted."""
    data = bytearray(zipped({"data.csv": PLAIN}))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.index(mark) + place
        data[at : at + 2] = struct.pack("<H", 1)
    return bytes(data)


def of_unknown_kind() -> bytes:
    data = bytearray(zipped({"data.csv": PLAIN}))
    for mark, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        at = data.index(mark) + place
        data[at : at + 2] = struct.pack("<H", 9)  # Deflate64
    return bytes(data)


def altered(data: bytes) -> bytes:
    return data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 0xFF]) + data[len(data) // 2 + 1 :]


SHEET = workbook({"A": [["Name", "Age"], ["Ann", 41], ["Bob", 52]]})
ZIP_OF_MANY = zipped({"a.csv": PLAIN, "b/c.csv": PLAIN, "notes.txt": b"x"})
DEEP = gzipped(gzipped(gzipped(gzipped(PLAIN))))


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (ZIP_OF_MANY, "the archive holds 2 tables, not one: 'a.csv', 'c.csv', 'notes.txt'"),
        (zipped({"a.txt": b"x", "b.txt": b"y"}), "the archive holds 0 tables, not one: 'a.txt', 'b.txt'"),
        (zipped({"__MACOSX/._a.csv": b"x"}), "an empty zip archive"),
        (zipped({}), "an empty zip archive, not a table"),
        (encrypted(), "the archive is encrypted"),
        (of_unknown_kind(), "a damaged zip archive, or one of an unknown kind"),
        (altered(zipped({"a.csv": PLAIN * 90})), "a damaged zip archive"),
        (zipped({"a.csv": PLAIN})[:-30], "a damaged zip archive"),
        (gzipped(PLAIN * 90)[:-20], "a damaged gzip archive, cut off or altered"),
        (gzipped(PLAIN * 90)[:-4] + b"\0\0\0\1", "a damaged gzip archive"),
        (b"\x1f\x8b\x08\0\0\0", "a damaged gzip archive"),
        (DEEP, "an archive in 3 archives"),
        (gzip.compress(bytes(80 << 20)), "unpacks to 65 MB or more from 79 kB: no table does"),
        (zipped({"a.csv": bytes(80 << 20)}), "unpacks to 65 MB or more from 79 kB: no table does"),
        (zipped({"[Content_Types].xml": bytes(80 << 20)}), "unpacks to 80 MB or more"),
        (zipped({"[Content_Types].xml": b"<x/>"}), "a damaged spreadsheet"),
        (SHEET[:-40], "a damaged zip archive"),
        (workbook({"A": [], "B": [[None, ""]]}), "a spreadsheet without a filled cell"),
        (workbook({"A": [["Name", "Age"]]}), "there is a header and no row"),
        (workbook({"A": [["Name", "Age"], ["Ann", 41]], "B": [["x"]]}), "a spreadsheet with 2 filled sheets: 'A', 'B'"),
        (workbook({"A": [["Patients of 2024"], ["Name", "Age"], ["Ann", 41]]}), "no column 'Name', 'Age'"),
        (parquet_bytes([{"Name": "Ann", "Age": 41}])[:-9], "a damaged Parquet file"),
        (parquet_bytes([{"Name": "Ann", "Age": [41]}]), "column 'Age' holds list<element: int64>, not plain values"),
        (parquet_bytes([{"Name": "Ann", "Age": b"\xff"}]), "column 'Age' holds binary, not plain values"),
        (parquet_bytes([{"Name": "A\0n", "Age": 1}]), "column 'Name' holds binary data (a NUL)"),
        (b'{"Name": "Ann", "Age": 41}\n{"Name": "Bob"\n', "line 2 is not a JSON object"),
        (b'{"Name": "Ann", "Age": 41}\n[1]\n', "line 2 is not a JSON object"),
        (b'{\n "Name": "Ann"\n}', "line 1 is not a JSON object"),
        (b'{"Name": "Ann", "Age": 41}\n\n{"Name": {"first": "Bob"}, "Age": 1}\n', "column 'Name', line 3 holds"),
        (PLAIN.decode().encode("utf-16")[:-1], "damaged UTF-16 text"),
        (codecs.BOM_UTF16_LE + "Name,Age\nA\0n,41\n".encode("utf-16-le"), "binary data (a NUL at byte 11)"),
        (gzipped(b"Name,Age\nA\0n,41\n"), "binary data (a NUL at byte 11)"),
        (gzipped(b'Name,Age\nAnn,41\nBob,"52\nCy,63\n'), "a quotation mark opened in line 3 is not closed"),
        (gzipped(b'Name;Age\nAnn;41\nBob;"52\nCy;63\n'), "a quotation mark opened in line 3 is not closed"),
        ('Name\tAge\nAnn\t41\nBob\t"52\nCy\t63\n'.encode("utf-16"), "a quotation mark opened in line 3 is not closed"),
        (gzipped(b""), "the file is empty"),
        (zipped({"a.csv": b"<html>"}), "a web page, not a table"),
        (gzipped(b"%PDF-1.7"), "a PDF document, not a table"),
        (b"sep=\nName,Age\n1,2\n", "no column 'Name', 'Age' in the header"),
        (b"sep=;\n", "no column 'Name', 'Age' in the header"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(tmp_path: Path, data: bytes, what: str) -> None:
    assert refusal(tmp_path, data).what.startswith(what)


def test_ragged_rows_are_counted_in_every_packing(tmp_path: Path) -> None:
    rows = "Name{0}Age\nAnn{0}41\nBob\nCy{0}1{0}2\nDee{0}30\n"
    for data in (
        gzipped(rows.format(",").encode()),
        rows.format(";").encode("utf-16"),
        rows.format("\t").encode("cp1252"),
        zipped({"x": rows.format("|").encode()}),
    ):
        report = Report()
        table = read_columns(saved(tmp_path, data), WANTED, report)
        assert table.to_pydict() == {"name": ["Ann", "Dee"], "age": ["41", "30"]}
        assert (report.read, report.dropped) == (4, {"wrong number of fields": 2})


@pytest.mark.parametrize(
    "data",
    [
        b"Name,Age\nAnn,41,,\nBob,52,,\n",
        b"Name,Age,,\nAnn,41\nBob,52\n",
        b"Name;Age;\r\nAnn;41\r\nBob;52\r\n",
        b"Name,Age,,\nAnn,41,,\nBob,52,,\n",
    ],
)
def test_empty_columns_that_a_spreadsheet_adds(tmp_path: Path, data: bytes) -> None:
    report = Report()
    assert read_columns(saved(tmp_path, data), WANTED, report).to_pydict() == TABLE
    assert (report.read, report.dropped) == (2, {})


@pytest.mark.parametrize("data", [b"Name,Age\nAnn,41,x,\nBob,52,,\n", b"Name,Age,Note\nAnn,41\nBob,52\n"])
def test_columns_that_are_not_empty_are_not_cut_off(tmp_path: Path, data: bytes) -> None:
    assert refusal(tmp_path, data).what == "none of 2 rows has as many fields as the header"


@pytest.mark.parametrize("name", ["../../evil.csv", "/etc/evil.csv", "C:\\evil.csv", "..\\evil.csv", "a/../../b"])
def test_a_path_in_an_archive_leads_nowhere(tmp_path: Path, scratch: Path, name: str) -> None:
    before = sorted(tmp_path.rglob("*"))
    assert read(tmp_path, zipped({name: PLAIN}), "x.zip") == TABLE
    assert sorted(tmp_path.rglob("*")) == sorted([*before, tmp_path / "x.zip"])


@pytest.mark.parametrize(
    "name", ["file.csv", "file.xlsx", "file.csv.gz", "file.parquet", "file.zip", "file", "file.jsonl"]
)
def test_content_says_what_it_is_and_not_the_name(tmp_path: Path, name: str) -> None:
    parquet = parquet_bytes([{"Name": "Ann", "Age": 41}, {"Name": "Bob", "Age": 52}])
    for data in (PLAIN, SHEET, gzipped(PLAIN), zipped({"x": PLAIN}), parquet, PLAIN.decode().encode("utf-16")):
        assert read(tmp_path, data, name) == TABLE


def test_one_column_with_other_delimiters_in_its_values(tmp_path: Path) -> None:
    for data in (b'Address\n"1 Oak St; Rear"\n"2 Elm St| B"\n', b"Address\n1 Oak St; Rear\n2 Elm St| B\n"):
        table = read_columns(saved(tmp_path, data), {"a": ("Address",)}, Report())
        assert table.to_pydict() == {"a": ["1 Oak St; Rear", "2 Elm St| B"]}


@pytest.mark.parametrize(
    ("data", "header"),
    [
        (b'"Name; given",Age\nAnn,41\n', ["Name; given", "Age"]),
        (b'"Age, in years";Name\n41;Ann\n', ["Age, in years", "Name"]),
        (b"Total, net;Name;Age, years\n1;Ann;41\n2;Bob;52\n", ["Total, net", "Name", "Age, years"]),
        (b"Name,Note; or not,Age\nAnn,x,41\n", ["Name", "Note; or not", "Age"]),
        (b'Name,"Two\r\nlines"\r\nAnn,41\r\n', ["Name", "Two\r\nlines"]),
    ],
)
def test_delimiters_in_the_header(tmp_path: Path, data: bytes, header: list[str]) -> None:
    assert read_header(saved(tmp_path, data)) == header


def test_undefined_bytes_of_cp1252_are_refused_and_defined_ones_read(tmp_path: Path) -> None:
    data = b"Name,Age\n\x80 \x93J\xf6rg\x94,41\n"
    assert read(tmp_path, data)["name"] == ["€ “Jörg”"]
    assert refusal(tmp_path, data + b"\x9d,1\n").what == "neither UTF-8 nor cp1252 text (line 3, byte 1)"


@pytest.mark.parametrize("row", [b"Jos\xe9", b"Jos\xe9,1,2", b"Jos\xe9,1,,"])
def test_ragged_rows_that_are_not_utf8_are_counted(tmp_path: Path, row: bytes) -> None:
    report = Report()
    table = read_columns(saved(tmp_path, b"Name,Age\n" + b"Ann,41\n" * 20_000 + row + b"\nBob,1\n"), WANTED, report)
    assert (table.num_rows, report.dropped) == (20_001, {"wrong number of fields": 1})
    assert report.notes == ["Read as cp1252."]


def test_utf8_with_one_broken_letter_is_not_read_as_something_else(tmp_path: Path) -> None:
    data = "Name,Age\nJosé,41\n".encode() * 1 + b"x,1\n" * 20_000 + b"Jos\xe9,2\n"
    assert refusal(tmp_path, data).what == "text in two encodings: line 2 holds UTF-8, and others do not"


def test_sizes_that_an_archive_claims_are_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "_LARGEST", 1000)
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("a.csv", PLAIN * 100)
    assert refusal(tmp_path, data.getvalue()).what.startswith("unpacks to 0 MB or more")


def test_no_room_to_unpack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(packed._Opener, "check_size", full)
    error = refusal(tmp_path, gzipped(PLAIN))
    assert "No space left on device" in error.what and "TMPDIR" in error.hint


def test_without_openpyxl_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "openpyxl", None)
    error = refusal(tmp_path, SHEET)
    assert "openpyxl" in error.what and "pip install 'fiubench[xlsx]'" in error.hint


def test_cells_of_a_spreadsheet_as_text(tmp_path: Path) -> None:
    rows = [["Name", "Age"], [date(2024, 1, 31), 41.0], [True, 0.1], ["007", "57.0"], ["#N/A", None]]
    assert read(tmp_path, workbook({"A": rows})) == {
        "name": ["2024-01-31", "True", "007", "#N/A"],
        "age": ["41", "0.1", "57.0", ""],
    }


def test_numbers_of_parquet_as_text(tmp_path: Path) -> None:
    table = pa.table({"Name": [692499668.0, None, 0.1], "Age": pa.array([1, 2**60, None])})
    data = io.BytesIO()
    __import__("pyarrow.parquet").parquet.write_table(table, data)
    assert read(tmp_path, data.getvalue()) == {
        "name": ["692499668", "", "0.1"],
        "age": ["1", "1152921504606846976", ""],
    }


@pytest.mark.parametrize(
    "data",
    [
        SHEET,
        gzipped(PLAIN),
        zipped({"a.csv": PLAIN}),
        parquet_bytes([{"Name": "Ann", "Age": 41}, {"Name": "Bob", "Age": 52}]),
        PLAIN.decode().encode("utf-16"),
        b'{"Name": "Ann", "Age": 41}\n{"Name": "Bob", "Age": 52}\n',
    ],
    ids=["xlsx", "gzip", "zip", "parquet", "utf-16", "json lines"],
)
def test_altered_and_shortened_files_are_read_or_refused(tmp_path: Path, data: bytes) -> None:
    for place in range(0, len(data), max(1, len(data) // 60)):
        other = bytes([data[place] ^ 0xA5])
        for changed in (data[:place] + other + data[place + 1 :], data[:place], data[:place] + data[place + 9 :]):
            path = saved(tmp_path, changed)
            try:
                read_columns(path, WANTED, Report())
            except SourceError as error:
                assert error.where == str(path) and error.hint
