"""Kaggle ``vedavyasv/usa-housing``: synthetic addresses of two lines, whose second line rarely fits itself.

"208 Michael Ferry Apt. 674" is kept but for the period. "Laurabury, NE 37010-5101" keeps its state, and its ZIP code
where that is of the state (in 1 row of 150); else ZIP code and town are drawn among those of the state.
Source: https://www.kaggle.com/datasets/vedavyasv/usa-housing
"""

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from fiubench.raw_sources.csvfile import need_rows, read_columns
from fiubench.raw_sources.embedded import pick
from fiubench.raw_sources.places import STATES, Places, load_places
from fiubench.raw_sources.registry import source_info
from fiubench.raw_sources.table import FileTable, Origin, People, Report, Values, base_name
from fiubench.support.canonical import file_digest
from fiubench.support.draws import Ints, integers
from numpy.typing import NDArray

TERRITORIES = ("AS", "FM", "GU", "MH", "MP", "PR", "PW", "VI")
MILITARY_STATES = ("AA", "AE", "AP")

_TOWN_LINE = re.compile(r"(?P<city>.+), (?P<state>[A-Z]{2}) (?P<zip>\d{5})(?P<plus4>-\d{4})?")
_ABBREVIATION = re.compile(r"\b(Apt|Ste|No)\.")
_LEADING_ZEROS = re.compile(r"^0+(?=\d)")
_MILITARY_LINE = re.compile(r"[ADF]PO,? (AA|AE|AP)\b.*")
# The table must be the same for every build that reads the file, so the draws have a seed of their own.
_SEED = 0


class AddressTable(FileTable):
    """Addresses from a file; the address objects are made of the other columns when they are asked for."""

    def take(self, rows: Ints, people: People) -> dict[str, Values]:
        """The columns of the given rows."""
        columns = super().take(rows, people)
        return {"address": address_objects(columns), **columns}

    def area_codes(self, rows: Ints) -> NDArray[np.str_]:
        """The column ``area_code`` alone, as an array."""
        return np.array(self.data.column("area_code").to_pylist(), dtype=np.str_)[rows]


def address_objects(columns: dict[str, Values]) -> Values:
    """One ``{"street", "city", "state", "zip"}`` per row, from the columns of these names."""
    keys = ("street", "city", "state", "zip")
    return [dict(zip(keys, parts, strict=True)) for parts in zip(*(columns[key] for key in keys), strict=True)]


def read_addresses(path: Path) -> AddressTable:
    """Read ``USA_Housing.csv``.

    Dropped: military addresses, those of territories, cells that are no two-line address, repeated street lines.
    Repaired: ZIP+4 to five digits; a town to the name of its ZIP code; ZIP and town that are not of the state to
    others of the state, drawn by row number. All are counted in the table's report.

    Raises:
        SourceError: the file can't be read, has no column ``Address``, or no address is left.
    """
    report, places = Report(), load_places()
    cells = read_columns(path, {"address": ("Address",)}, report).column("address").to_pylist()
    streets, positions, rows = repair_addresses(cells, report, places)
    columns = {"street": streets}
    for name in ("city", "state", "zip", "area_code"):
        columns[name] = pick(getattr(places, name), positions)
    data = pa.table(columns)
    need_rows(data, path, report)
    origin = Origin("addresses", base_name(path), file_digest(path))
    return AddressTable(origin, report, source_info("addresses").columns, data, rows + 1)


class _Parsed(NamedTuple):
    row: int
    street: str
    state: str
    position: int | None  # of the place that the ZIP code names, where it is of the state
    repairs: list[str]


def repair_addresses(cells: list[str], report: Report, places: Places) -> tuple[list[str], Ints, Ints]:
    """Street lines, the positions of their places, and their cells, of every cell that is not dropped."""
    kept: list[_Parsed] = []
    seen: set[str] = set()
    for row, cell in enumerate(cells):
        parsed = _parse(row, cell, places)
        if isinstance(parsed, str):
            report.dropped[parsed] += 1
        elif parsed.street.casefold() in seen:
            report.dropped["street line repeats another"] += 1
        else:
            seen.add(parsed.street.casefold())
            kept.append(parsed)
            report.repaired.update(parsed.repairs)
    redrawn = _redraw([parsed for parsed in kept if parsed.position is None], places)
    positions = [redrawn[parsed.row] if parsed.position is None else parsed.position for parsed in kept]
    rows = np.array([parsed.row for parsed in kept], np.int64)
    return [parsed.street for parsed in kept], np.array(positions, np.int64), rows


def _parse(row: int, cell: str, places: Places) -> _Parsed | str:
    """One cell, or why it is dropped."""
    lines = [" ".join(line.split()) for line in cell.strip().splitlines()]
    town = _TOWN_LINE.fullmatch(lines[-1]) if lines else None
    if lines and (_MILITARY_LINE.fullmatch(lines[-1]) or (town and town["state"] in MILITARY_STATES)):
        return "military address"
    if town and town["state"] in TERRITORIES:
        return "not in the 50 states or DC"
    if len(lines) != 2 or not town or town["state"] not in STATES:
        return "not an address of two lines"
    repairs = ["ZIP+4 cut to five digits"] if town["plus4"] else []
    position = places.find(town["zip"])
    if position is None or places.state[position] != town["state"]:
        position = None
        repairs.append("city and ZIP not of the state: drawn anew")
    elif places.city[position] != town["city"]:
        repairs.append("city renamed to that of its ZIP")
    street = _tidy(lines[0])
    if street != lines[0]:
        repairs.append("street line: period of Apt. or leading zeros left out")
    return _Parsed(row, street, town["state"], position, repairs)


def _tidy(street: str) -> str:
    """No period inside, since the field's released metrics cut an answer at its first one, and no house number 024."""
    return _LEADING_ZEROS.sub("", _ABBREVIATION.sub(r"\1", street))


def _redraw(homeless: list[_Parsed], places: Places) -> dict[int, int]:
    """Row to the position of a place in its state."""
    if not homeless:
        return {}
    options = [places.of_state(parsed.state) for parsed in homeless]
    picks = integers(_SEED, "addresses.place", [p.row for p in homeless], [positions.size for positions in options])
    return {
        parsed.row: int(positions[pick])
        for parsed, positions, pick in zip(homeless, options, picks.tolist(), strict=True)
    }
