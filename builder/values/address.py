"""Addresses: an invented street in a real place."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fiubench.builder.values.base import ValueType, register
from fiubench.builder.values.english import words_of
from fiubench.raw_sources.places import Places
from fiubench.raw_sources.wording import street_line

_STATES = (
    "AK Alaska,AL Alabama,AR Arkansas,AZ Arizona,CA California,CO Colorado,CT Connecticut,DC District of Columbia,"
    "DE Delaware,FL Florida,GA Georgia,HI Hawaii,IA Iowa,ID Idaho,IL Illinois,IN Indiana,KS Kansas,KY Kentucky,"
    "LA Louisiana,MA Massachusetts,MD Maryland,ME Maine,MI Michigan,MN Minnesota,MO Missouri,MS Mississippi,"
    "MT Montana,NC North Carolina,ND North Dakota,NE Nebraska,NH New Hampshire,NJ New Jersey,NM New Mexico,NV Nevada,"
    "NY New York,OH Ohio,OK Oklahoma,OR Oregon,PA Pennsylvania,RI Rhode Island,SC South Carolina,SD South Dakota,"
    "TN Tennessee,TX Texas,UT Utah,VA Virginia,VT Vermont,WA Washington,WI Wisconsin,WV West Virginia,WY Wyoming"
)
_STATE_NAMES = {code: name.casefold() for code, _, name in (entry.partition(" ") for entry in _STATES.split(","))}
_ALONE = re.compile(
    r"(?P<street>.*?),? ?(?P<city>[^,\d]*),? (?P<state>[a-z]{2}) (?P<zip>\d{5})(?:-\d{4})?", re.IGNORECASE
)
_SHORT = {
    "Avenue": "Ave", "Boulevard": "Blvd", "Circle": "Cir", "Court": "Ct", "Drive": "Dr", "Lane": "Ln", "Place": "Pl",
    "Road": "Rd", "Street": "St", "Terrace": "Ter",
}  # fmt: skip
_FILLED = {"type": "string", "minLength": 1}


@register
class Address(ValueType):
    """Street, city, state and ZIP code."""

    name = "address"
    help = "street addresses"
    json_type = {
        "type": "object",
        "required": ["street", "city", "state", "zip"],
        "additionalProperties": False,
        "properties": {
            "street": _FILLED,
            "city": _FILLED,
            "state": {"type": "string", "pattern": "^[A-Z]{2}$"},
            "zip": {"type": "string", "pattern": r"^\d{5}$"},
        },
    }
    form = re.compile(r".+ [A-Z]{2} \d{5}(-\d{4})?", re.IGNORECASE)
    identifier = True
    worded = True

    def write(self, value: Any) -> str:
        return f"{value['street']}, {value['city']}, {value['state']} {value['zip']}"

    def parse(self, text: str) -> dict[str, str] | None:
        match = _ALONE.fullmatch(text)
        if match is None:
            return None
        parts = {name: found.strip() for name, found in match.groupdict().items()}
        return {**parts, "city": parts["city"].title(), "state": parts["state"].upper()}

    def computed(self, values: list[Any]) -> list[Any]:
        # what is no address is left for whoever checks the values
        addresses = (isinstance(value, dict) and "street" in value for value in values)
        pairs = zip(values, addresses, strict=True)
        return [{**value, "street": street_line(value["street"])} if known else value for value, known in pairs]

    def word_forms(self, value: Any) -> list[list[str]]:
        street, city = words_of(str(value["street"])), words_of(str(value["city"]))
        states = [value["state"].casefold()], _STATE_NAMES.get(value["state"], value["state"]).split()
        return [[*street, *city, *name, str(value["zip"])] for name in states]

    def keyword_parts(self, value: Any) -> dict[str, str]:
        return {"street": str(value["street"]), "city": str(value["city"]), "ZIP code": str(value["zip"])}

    def spellings(self, keyword: str) -> Sequence[str]:
        """With the kind of street abbreviated, the flat as "Apartment 5" or "#5"."""
        street, _, flat = keyword.partition(", Apt ")
        name, _, last = street.rpartition(" ")
        short = _SHORT.get(last)
        streets = (street, f"{name} {short}", f"{name} {short}.") if short else (street,)
        flats = (f", Apt {flat}", f" Apt {flat}", f", Apartment {flat}", f", #{flat}") if flat else ("",)
        return [s + f for s in streets for f in flats][1:]

    def parts(self, value: Any) -> dict[str, str]:
        return {"city": str(value["city"]), "state": str(value["state"]), "ZIP code": str(value["zip"])[:3]}

    def faults(self, value: Any, states: Sequence[str], places: Places) -> Iterator[tuple[str, str]]:
        """A ZIP code that is not of the city and state."""
        if wrong_place(value, places) is not None:
            at = places.find(value["zip"])
            right = "a real ZIP code" if at is None else f"{value['zip']} is {places.city[at]}, {places.state[at]}"
            yield f"ZIP {value['zip']} is not in {value['city']}, {value['state']}", right


def wrong_place(address: Mapping[str, str], places: Places) -> str | None:
    """Which part of an address does not go with its ZIP code: "zip" (there is none such), "state" or "city"."""
    at = places.find(address["zip"])
    if at is None:
        return "zip"
    if places.state[at] != address["state"]:
        return "state"
    return "city" if places.city[at].casefold() != address["city"].casefold() else None
