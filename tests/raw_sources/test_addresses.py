import csv
from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from fiubench.raw_sources.places import STATES, load_places
from fiubench.raw_sources.source import Context
from fiubench.raw_sources.sources.addresses import MILITARY_STATES, TERRITORIES, Addresses, repair_addresses
from fiubench.raw_sources.table import People, Report
from fiubench.support.errors import SourceError
from hypothesis import given
from hypothesis import strategies as st

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
HEADER = ["Avg. Area Income", "Area Population", "Price", "Address"]
CONTEXT = Context(date(2026, 1, 1))
TIDIED = 'street line: comma before "Apt" or "Suite", no period after it, no leading zeros'
NOBODY = People([], np.empty(0, np.int64))

CELLS = [
    "208 Michael Ferry Apt. 674\nLaurabury, NE 37010-5101",  # the ZIP is of Tennessee
    "9127 Elizabeth Stravenue\nDanieltown, WI 06482-3489",
    "USS Barnett\nFPO AP 44820",
    "USNS Raymond\nFPO AE 09386",
    "Unit 9446 Box 0958\nDPO AE 97025",
    "PSC 8165, Box 8498\nAPO AA 60327-0346",
    "972 Joyce Viaduct\nLake William, PR 17778-6483",
    "1 Beaver Street\nManhattan, NY 10280",  # the ZIP is of New York City
    "2 Pearl Street\nNew York, NY 10280",
    "9127 Elizabeth Stravenue\nOtherville, WI 06482",  # again
    "5 Nowhere Lane",
    "",
    "6 Odd Street\nTown, ZZ 12345",
]


def repaired(cells):
    report, places = Report(read=len(cells)), load_places()
    streets, positions, _ = repair_addresses(cells, report, places)
    columns = (places.city, places.state, places.zip)
    return [(s, *(column[i] for column in columns)) for s, i in zip(streets, positions.tolist(), strict=True)], report


def write_csv(path, cells, end="\n"):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator=end)
        writer.writerow(HEADER)
        writer.writerows([["79545.45", "23086.8", "105.9", cell.replace("\n", end)] for cell in cells])
    return path


def test_defects_are_repaired_or_dropped_and_counted():
    rows, report = repaired(CELLS)
    assert [row[0] for row in rows] == [
        "208 Michael Ferry, Apt 674",
        "9127 Elizabeth Stravenue",
        "1 Beaver Street",
        "2 Pearl Street",
    ]
    assert [row[2] for row in rows] == ["NE", "WI", "NY", "NY"]
    assert rows[2][1:] == rows[3][1:] == ("New York", "NY", "10280")
    assert report.dropped == Counter(
        {
            "military address": 4,
            "not in the 50 states or DC": 2,
            "street line repeats another": 1,
            "not an address of one or two lines": 1,
            "Address: blank": 1,
        }
    )
    assert report.kept == len(rows)


def test_repairs_are_counted_for_kept_rows_alone():
    _, report = repaired(CELLS)
    assert report.repaired == Counter(
        {
            "city and ZIP not of the state: drawn anew": 2,
            "ZIP+4 cut to five digits": 2,
            "city renamed to that of its ZIP": 1,
            TIDIED: 1,
        }
    )
    _, report = repaired(["2 Pearl Street\nNew York, NY 10280", "2 Pearl Street\nNew York, NY 10280-0001"])
    assert report.repaired == Counter()


@pytest.mark.parametrize(
    ("line", "tidy"),
    [
        ("024 Caleb Parkways", "24 Caleb Parkways"),
        ("208 Michael Ferry Apt. 674", "208 Michael Ferry, Apt 674"),
        ("208 Michael Ferry, Apt 674", "208 Michael Ferry, Apt 674"),
        ("208 Michael Ferry, Apt. B", "208 Michael Ferry, Apt B"),
        ("0 Zero Street", "0 Zero Street"),
        ("000 Todd Pines", "0 Todd Pines"),
        ("10 Oak Street Ste. 007", "10 Oak Street, Ste 007"),
        ("35 Daniel Shoals Suite 442", "35 Daniel Shoals, Suite 442"),
        ("7 Elm Court Unit 12", "7 Elm Court, Unit 12"),
        ("8 Unit Street", "8 Unit Street"),
        ("9127 Elizabeth Stravenue", "9127 Elizabeth Stravenue"),
    ],
)
def test_street_lines_are_tidied(line, tidy):
    rows, report = repaired([f"{line}\nNowhere, NE 68346"])
    assert rows[0][0] == tidy
    assert report.repaired[TIDIED] == (line != tidy)


@pytest.mark.parametrize(
    ("line", "street"),
    [
        ("208 Michael Ferry Apt. 674, Laurabury, NE 37010", "208 Michael Ferry, Apt 674"),
        ("208 Michael Ferry, Apt 674, Laurabury, NE 37010-5101", "208 Michael Ferry, Apt 674"),
        ("9127 Elizabeth Stravenue, New Danieltown, NE 06482", "9127 Elizabeth Stravenue"),
        ("9127 Elizabeth Stravenue, New Danieltown NE 06482", "9127 Elizabeth Stravenue"),
        # line ends lost
        ("208 Michael Ferry Apt. 674 Laurabury, NE 37010-5101", "208 Michael Ferry, Apt 674"),
        ("188 Johnson Views Suite 079 Lake Kathleen, NE 48958", "188 Johnson Views, Suite 079"),
        ("95198 Ortiz Key Port Sara, NE 24541-2855", "95198 Ortiz Key"),
        ("12 Old Oak Park Square Omaha, NE 68102", "12 Old Oak Park Square"),
        ("12 Oak Park Avenue Port Sara, NE 24541", "12 Oak Park Avenue"),
    ],
)
def test_addresses_on_one_line(line, street):
    rows, report = repaired([line])
    assert [(row[0], row[2]) for row in rows] == [(street, "NE")]
    assert not report.dropped


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("USS Barnett FPO AP 44820", "military address"),
        ("PSC 5330, Box 4420 APO AP 08302", "military address"),
        ("Unit 9446 Box 0958, DPO, AE 97025-0001", "military address"),
        ("911 Castillo Park Apt. 717 Davisborough, PW 78603", "not in the 50 states or DC"),
        ("5 Nowhere Lane", "not an address of one or two lines"),
        ("Nowhere, NE 68346", "not an address of one or two lines"),
        ("5 A Street\nFloor 2\nNowhere, NE 68346", "not an address of one or two lines"),
    ],
)
def test_lines_that_can_not_be_used(line, reason):
    assert repaired([line])[1].dropped == Counter({reason: 1})


def test_a_row_is_repaired_alike_whatever_follows_it():
    whole, _ = repaired(CELLS)
    assert repaired(CELLS[:2])[0] == whole[:2]
    assert repaired(CELLS)[0] == whole


cells = st.builds(
    "{} {}\n{}, {} {:05d}{}".format,
    st.integers(1, 99999),
    st.sampled_from(["Oak Street", "Daniel Shoals Suite 442", "Cox Centers"]),
    st.sampled_from(["Laurabury", "New York", "Lake William"]),
    st.sampled_from([*STATES, *TERRITORIES, *MILITARY_STATES, "QQ"]),
    st.integers(0, 99999),
    st.sampled_from(["", "-0001"]),
)


@given(st.lists(cells, max_size=30))
def test_what_is_kept_belongs_together(lines):
    rows, report = repaired(lines)
    places = load_places()
    assert report.kept == len(rows)
    assert len({street for street, *_ in rows}) == len(rows)
    state_of = {}
    for line in lines:
        street, state = line.split("\n")[0].replace(" Suite", ", Suite"), line.rsplit(", ", 1)[1][:2]
        if state in STATES:
            state_of.setdefault(street, state)
    assert {street: state for street, _, state, _ in rows} == state_of
    for _, city, state, zip5 in rows:
        position = places.find(zip5)
        assert position is not None
        assert (places.city[position], places.state[position]) == (city, state)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_reads_a_file(tmp_path, end):
    table = Addresses().read(write_csv(tmp_path / "USA_Housing.csv", CELLS, end), CONTEXT)
    assert table.rows == table.report.kept == 4
    assert table.report.read == len(CELLS)
    assert (table.origin.source, table.origin.file) == ("addresses", "USA_Housing.csv")
    taken = table.take(np.array([2, 0]), NOBODY)
    assert list(taken) == list(table.types)
    assert taken["address"][0] == {"street": "1 Beaver Street", "city": "New York", "state": "NY", "zip": "10280"}
    assert taken["street"] == ["1 Beaver Street", "208 Michael Ferry, Apt 674"]
    assert table.area_codes(np.array([2, 0])).tolist() == taken["area_code"]
    assert taken["area_code"][0] in {"212", "332", "646", "917"}
    assert sorted(set(table.take(np.arange(4), NOBODY)["state"])) == ["NE", "NY", "WI"]


def test_a_file_without_addresses_is_refused(tmp_path):
    path = write_csv(tmp_path / "other.csv", ["USS Barnett\nFPO AP 44820"])
    with pytest.raises(SourceError, match="military address"):
        Addresses().read(path, CONTEXT)


def test_a_file_without_the_column_is_refused(tmp_path):
    path = tmp_path / "other.csv"
    path.write_text("Name,Price\na,1\n")
    with pytest.raises(SourceError, match="Address"):
        Addresses().read(path, CONTEXT)


@pytest.mark.skipif(not SHARED.exists(), reason="needs ../shared/data")
def test_the_real_file():
    table = Addresses().read(SHARED / "tables" / "USA_Housing.csv", CONTEXT)
    assert table.report.read == 3000
    assert table.report.dropped == Counter({"not in the 50 states or DC": 357, "military address": 303})
    assert table.rows == 2340
    places, taken = load_places(), table.take(np.arange(2340), NOBODY)
    for city, state, zip5, code in zip(*(taken[k] for k in ("city", "state", "zip", "area_code")), strict=True):
        position = places.find(zip5)
        assert position is not None
        assert (city, state, code) == tuple(getattr(places, k)[position] for k in ("city", "state", "area_code"))
    assert set(taken["state"]) == set(STATES)
    assert not [street for street in taken["street"] if "." in street or street[:1] == "0" != street.split()[0]]


@pytest.mark.skipif(not SHARED.exists(), reason="needs ../shared/data")
def test_the_real_file_on_one_line_gives_the_same_addresses(tmp_path):
    one = Addresses().read(SHARED / "odd" / "usa_oneline.csv", CONTEXT)
    with (SHARED / "tables" / "USA_Housing.csv").open(encoding="utf-8", newline="") as file:
        cells = [row["Address"] for row in csv.DictReader(file)][: one.report.read]
    two = Addresses().read(write_csv(tmp_path / "two.csv", cells), CONTEXT)
    assert one.data.equals(two.data)
    assert one.report == two.report
    flats = [
        street for street in one.take(np.arange(one.rows), NOBODY)["street"] if "Apt" in street or "Suite" in street
    ]
    assert len(flats) > 50
    assert all(", Apt " in street or ", Suite " in street for street in flats)
