"""Tables of the user's own: what a declaration may say, and how its file is read."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from fiubench.builder.packs.attributes import read_packs
from fiubench.builder.packs.tables import DeclaredTable, read_table, read_tables
from fiubench.builder.values.base import VALUE_TYPES
from fiubench.raw_sources.source import SOURCES, Context
from fiubench.raw_sources.table import FileTable
from fiubench.support.canonical import digest_of
from fiubench.support.errors import FiubenchError, PackError, SourceError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fiubench import make_config, schemas

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "table"
DECLARED = {
    "source": "town",
    "file": "town.csv",
    "title": "Employers of our town",
    "license": "CC-BY-4.0",
    "columns": {"employer": "text", "founded": {"header": "Founded in", "type": "integer"}},
}


def declared(folder: Path, text: str = "Employer,Founded in\nAcme,1990\n", **changes: Any) -> Path:
    (folder / "town.csv").write_text(text, encoding="utf-8")
    document = {key: value for key, value in {**DECLARED, **changes}.items() if value is not None}
    file = folder / "town.yaml"
    file.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return file


def read(file: Path) -> FileTable:
    table = read_table(file)
    return table.read(table.path, Context(make_config({}).today))


def test_values_are_read_by_their_types(tmp_path: Path) -> None:
    kinds = {
        "day": "date", "price": "money", "size": "integer", "tel": "phone", "home": "address", "who": "name",
        "code": "code", "kind": "enum", "note": "text",
    }  # fmt: skip
    text = (
        "day,PRICE,Size,tel,home,who,code,kind,note\n"
        '"April 5, 2022","$1,234.567","1,200",212-555-0142,"4 Oak Lane Apt. 2, New York, NY 10280",Ann Lee,'
        "0042,big, two  words \n"
        '2022-04-06,5,-3,(212) 555-0143,"5 Oak Lane, New York, NY 10280",Bo Lee,X1,small,nothing\n'
    )
    first, second = read(declared(tmp_path, text, columns=kinds)).data.to_pylist()
    assert first == {
        "day": "2022-04-05", "price": 1234.57, "size": 1200, "tel": "(212) 555-0142",
        "home": {"street": "4 Oak Lane, Apt 2", "city": "New York", "state": "NY", "zip": "10280"},
        "who": "Ann Lee", "code": "0042", "kind": "big", "note": "two words",
    }  # fmt: skip
    assert (second["size"], second["price"], second["note"]) == (-3, 5.0, "nothing")
    assert all(VALUE_TYPES[kinds[name]].is_valid(value) for name, value in first.items())


def test_what_is_no_value_is_dropped_and_counted_by_column(tmp_path: Path) -> None:
    text = "Employer,Founded in\nAcme,1990\n,1990\nBolt,\nCord,soon\nDyno,1.5\nacme,1991\nEcho,1992\nFit,1,2\n"
    table = read(declared(tmp_path, text, key="employer"))
    assert table.data.to_pylist() == [{"employer": "Acme", "founded": 1990}, {"employer": "Echo", "founded": 1992}]
    assert table.report.dropped == {
        "employer: blank": 1,
        "founded: blank": 1,
        "founded: no integer that can be used": 2,
        "employer: repeats an earlier row": 1,
        "wrong number of fields": 1,
    }
    assert table.report.kept == table.rows == 2
    assert read(declared(tmp_path, text)).rows == 3  # without a key


def test_a_sentence_ends_with_one_period(tmp_path: Path) -> None:
    table = read(declared(tmp_path, "Employer,Founded in\nAcme Inc.,1990\nSt. Ann,1991\n...,1992\nN/A,1993\n"))
    assert table.data["employer"].to_pylist() == ["Acme Inc", "St. Ann"]
    assert table.report.repaired == {"employer: final period left out": 1}
    assert table.report.dropped == {"employer: blank": 2}


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        ("phone", "212-867-5309"),  # may be somebody's
        ("phone", "call me"),
        ("address", "4 Oak Lane, New York, NY 99999"),  # no such ZIP code
        ("address", "somewhere"),
        ("name", "Aaron Paul"),
        ("date", "2022-02-30"),
        ("integer", "²"),
        ("money", "inf"),
        ("money", "a lot"),
    ],
)
def test_what_no_record_may_hold_is_dropped(tmp_path: Path, kind: str, cell: str) -> None:
    with pytest.raises(SourceError, match=f"no row of 1 can be used: 1 it: no {kind} that can be used"):
        read(declared(tmp_path, f'it\n"{cell}"\n', columns={"it": kind}))


def test_the_order_of_dates_is_that_of_the_column(tmp_path: Path) -> None:
    for first, second in (("4/13/1890", "3/2/2022"), ("13/4/1890", "2/3/2022")):
        table = declared(tmp_path, f"day\n{first}\n{second}\n", columns={"day": "date"})
        assert read(table).data.to_pylist() == [{"day": "1890-04-13"}, {"day": "2022-03-02"}]
    with pytest.raises(SourceError, match=r"(?s)day: '3/2/2022' can be .*--date-order mdy or --date-order dmy"):
        read(declared(tmp_path, "day\n3/2/2022\n", columns={"day": "date"}))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"source": "health"}, "there is a source 'health' already"),
        ({"source": "My Town"}, "source: "),
        (
            {"columns": {"employer": "txt"}},
            "columns.employer: unknown value type 'txt'\n  Did you mean 'text'.*--plugin",
        ),
        ({"columns": {"founded": {"header": "Founded in"}}}, "columns.founded"),
        ({"columns": {}}, "columns"),
        ({"columns": {"employer": "text", "sector": "enum"}}, "no column 'sector' in the header"),
        ({"file": "elsewhere.csv"}, "elsewhere.csv: no such file"),
        ({"file": None}, '"file" is a required property'),
        ({"title": None}, '"title" is a required property'),
        ({"licence": "MIT"}, "Did you mean 'license'"),
        ({"url": "javascript:alert(1)"}, "url"),
        ({"key": "name"}, "key: no column 'name' is declared"),
        ({"drawn_with": {"employer": "industry"}}, "drawn_with: no column 'industry' is declared"),
    ],
)
def test_what_a_declaration_can_not_say(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(SourceError, match=f"(?s){says}"):
        read(declared(tmp_path, **changes))


def test_what_is_no_declaration(tmp_path: Path) -> None:
    file = tmp_path / "list.yaml"
    file.write_text("- a\n")
    with pytest.raises(SourceError, match=r"list\.yaml: is not a mapping"):
        read_table(file)
    with pytest.raises(SourceError, match="two tables are called 'town'"):
        read_tables([declared(tmp_path), tmp_path / "town.yaml"])


def test_the_declaration_is_kept_without_paths(tmp_path: Path) -> None:
    (tmp_path / "private").mkdir()
    file = declared(tmp_path, file="private/town.csv")
    table = read_table(file)
    assert table.path == tmp_path / "private" / "town.csv"
    assert table.document == {**DECLARED, "file": "town.csv"}
    assert table.sha256 == digest_of(table.document)
    again = DeclaredTable(table.document, "town.yaml", "town.yaml", tmp_path)
    assert (again.columns, again.sha256) == (table.columns, table.sha256)


def test_it_is_a_source_of_the_build_that_names_it_alone(tmp_path: Path) -> None:
    pack = EXAMPLE / "membership.yaml"
    assert read_packs([pack], [EXAMPLE / "clubs.yaml"]).source("clubs").title == "Clubs of Example Town"
    assert "clubs" not in SOURCES
    with pytest.raises(PackError, match=r"(?s)unknown source 'clubs'.*--table FILE"):
        read_packs([pack])
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(pack.read_text().replace("clubs.club\n", "clubs.clubb\n"))
    with pytest.raises(PackError, match="source 'clubs' has no column 'clubb'"):
        read_packs([wrong], [EXAMPLE / "clubs.yaml"])
    wrong.write_text(pack.read_text().replace("type: text", "type: enum"))
    with pytest.raises(PackError, match=r"clubs\.club holds text, not enum"):
        read_packs([wrong], [EXAMPLE / "clubs.yaml"])


def test_a_wrong_club_is_of_the_same_kind() -> None:
    packs = read_packs([EXAMPLE / "membership.yaml"], [EXAMPLE / "clubs.yaml"])
    assert packs.source("clubs").drawn_with == {"club": "activity"}


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(list(DECLARED)) | st.text(max_size=8), anything, max_size=3))
def test_any_document_is_a_declaration_or_an_error_for_people(tmp_path: Path, changes: dict[str, Any]) -> None:
    document = {**DECLARED, **changes}
    try:
        table = DeclaredTable(document, "t.yaml", "t.yaml", tmp_path)
    except FiubenchError:
        return
    assert not list(schemas.violations("table", document))
    assert set(table.columns.values()) <= set(VALUE_TYPES)
