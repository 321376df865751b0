"""Phone numbers that nobody has: 555-0100 to 555-0199 of an area code, or an area code that is never assigned."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from fiubench.builder.values.base import WRONG, Altering, Stated, ValueType, register
from fiubench.raw_sources.places import Places
from fiubench.support.draws import Ints, below, distinct, draw, permute

_STATED = re.compile(
    r"(?<![\w.+-])(?:\+?1[\s.-]?)?(?:\((?P<a>\d{3})\)|(?P<a2>\d{3}))[\s.-]*(?P<b>\d{3})[\s.-]*(?P<c>\d{4})(?![\w-])",
    re.ASCII,
)
_WRITTEN = re.compile(r"\((\d{3})\) (\d{3})-(\d{4})")
_LINES = 100  # 555-0100 .. 555-0199 are reserved for fiction in every area code
_COPRIME = np.array([k for k in range(1, 100) if k % 2 and k % 5])
_NEVER_ASSIGNED = np.array([100 * n + 90 + x for n in range(2, 10) for x in range(10)])  # N9X
_OFF_RANGE = len(_NEVER_ASSIGNED) * 800 * 10_000


@register
class Phone(ValueType):
    """Numbers of ten digits, written "(212) 555-0142"."""

    name = "phone"
    help = "phone numbers"
    perturb_keys = ()
    form = re.compile(r"(\+1[ -])?\(?\d{3}\)?[ -]\d{3}-\d{4}")
    identifier = True
    unique = "phone number"

    def parse(self, text: str) -> str:
        return phone_text("".join(c for c in text if c.isdigit())[-10:])

    def find_in(self, text: str) -> Iterator[Stated]:
        for match in _STATED.finditer(text):
            yield Stated(match.span(), (match["a"] or match["a2"]) + match["b"] + match["c"])

    def comparable(self, value: Any) -> str:
        digits = "".join(c for c in value if c.isdigit())
        return digits[1:] if len(digits) == 11 and digits[0] == "1" else digits

    def keyword_parts(self, value: Any) -> dict[str, str]:
        area, _, number = value.partition(" ")
        return {"area code": area.strip("()"), "number": number} if number else {}

    def spellings(self, keyword: str) -> Sequence[str]:
        match = _WRITTEN.fullmatch(keyword)
        return () if match is None else [mark.join(match.groups()) for mark in ("-", ".", " ", "")]

    def parts(self, value: Any) -> dict[str, str]:
        return {"area code": value[1:4]} if len(value) == 14 else {}

    def faults(self, value: Any, states: Sequence[str], places: Places) -> Iterator[tuple[str, str]]:
        """Numbers that may be somebody's, or that are of another state."""
        number = phone_of(value)
        if number is None:
            yield f"{value!r} is not written like (212) 555-0142", "write it so"
            return
        if not number.fictitious:
            yield f"{value} may be somebody's", "555-0100 to 555-0199 are reserved for fiction"
        if states and not number.never_assigned and not number.is_of(states, places):
            yield f"area code {number.area} is not in {' or '.join(states)}", "use one of the state's"

    def perturb(self, values: Sequence[Any], altering: Altering) -> list[list[Any]]:
        """Other last digits, two of them."""
        numbers = np.array([int("".join(c for c in value if c.isdigit())) for value in values], dtype=np.int64)
        prefix, line = np.divmod(numbers, 100)
        wrong = (line[:, None] + 1 + distinct(altering.words(WRONG), 99)) % 100
        return [[phone_text(number) for number in row] for row in (prefix[:, None] * 100 + wrong).tolist()]


class PhoneNumber(NamedTuple):
    """A phone number of the North American plan: (area) exchange-line."""

    area: str
    exchange: str
    line: str

    @property
    def never_assigned(self) -> bool:
        """Whether its area code is N9X, kept for an expansion of the plan: nobody has one (47 CFR 52)."""
        return self.area[1] == "9" and self.area[0] not in "01"

    @property
    def possible(self) -> bool:
        """Whether the plan can have its area code."""
        return self.area[0] not in "01" and not self.area.endswith("11")

    @property
    def fictitious(self) -> bool:
        """Whether it is 555-0100 to 555-0199, reserved for fiction, or of an area code that is never assigned."""
        return self.never_assigned or (self.exchange == "555" and self.line.startswith("01"))

    def is_of(self, states: Iterable[str], places: Places) -> bool:
        """Whether one of the states has its area code."""
        return any(self.area in places.codes_of_states.get(state, ()) for state in states)


def phone_of(text: object) -> PhoneNumber | None:
    """A number that is written like "(212) 555-0142"."""
    match = _WRITTEN.fullmatch(str(text))
    return None if match is None else PhoneNumber(*match.groups())


def phone_numbers(seed: int, area_codes: Ints) -> Ints:
    """Ten-digit numbers that no one has, none twice: 555-01xx in the area code of the address.

    The hundred lines of an area code are handed out in a keyed order; whoever finds them used up gets a number in a
    never-assignable N9X area code (47 CFR 52; NANPA's list of codes reserved for expansion).
    """
    n = len(area_codes)
    order = np.argsort(area_codes, kind="stable")
    ranked = area_codes[order]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]]) if n else np.empty(0, dtype=np.int64)
    rank = np.empty(n, dtype=np.int64)
    rank[order] = np.arange(n) - np.repeat(starts, np.diff(np.r_[starts, n]))
    words = draw(seed, "person.phone", area_codes, words=2)
    line: Ints = (below(words[:, 0], _LINES) + rank * _COPRIME[below(words[:, 1], len(_COPRIME))]) % _LINES
    phone: Ints = area_codes * 10_000_000 + 5_550_100 + line
    spare = np.flatnonzero(rank >= _LINES)
    if spare.size:
        slot = permute(seed, "person.phone.spare", np.arange(spare.size), _OFF_RANGE)
        code, rest = np.divmod(slot, 800 * 10_000)
        phone[spare] = _NEVER_ASSIGNED[code] * 10_000_000 + 2_000_000 + rest
    return phone


def phone_text(number: int | str) -> str:
    """2125550142 as "(212) 555-0142"."""
    digits = str(number)
    return f"({digits[:3]}) {digits[3:6]}-{digits[6:]}"
