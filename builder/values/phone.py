"""Phone numbers that nobody has: 555-0100 to 555-0199 of an area code, or an area code that is never assigned."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from fiubench.builder.values.base import Stated, ValueType, register
from fiubench.raw_sources.places import Places
from fiubench.support.draws import Ints, draw, permute

_STATED = re.compile(
    r"(?<![\w.+-])(?:\+?1[\s.-]?)?(?:\((?P<a>\d{3})\)|(?P<a2>\d{3}))[\s.-]*(?P<b>\d{3})[\s.-]*(?P<c>\d{4})(?![\w-])",
    re.ASCII,
)
_WRITTEN = re.compile(r"\((\d{3})\) (\d{3})-(\d{4})")
_LINES = 100  # 555-0100 .. 555-0199 are reserved for fiction in every area code
_PEOPLE = _LINES // 4  # who get one of them; three for each are left, for wrong answers
_NEVER_ASSIGNED = np.array([100 * n + 90 + x for n in range(2, 10) for x in range(10)])  # N9X
_OFF_RANGE = len(_NEVER_ASSIGNED) * 800 * 10_000
_SLOTS = 4  # of numbers that nobody has, for each person: three wrong answers and one in reserve
CAPACITY = _OFF_RANGE // (1 + _SLOTS)  # people whose numbers, true and wrong, are all different


@register
class Phone(ValueType):
    """Numbers of ten digits, written "(212) 555-0142"."""

    name = "phone"
    help = "phone numbers"
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

    A quarter of the hundred lines of an area code are handed out, in a keyed order; whoever finds them used up gets a
    number in a never-assignable N9X area code (47 CFR 52; NANPA's list of codes reserved for expansion).
    """
    n = len(area_codes)
    order = np.argsort(area_codes, kind="stable")
    ranked = area_codes[order]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]]) if n else np.empty(0, dtype=np.int64)
    rank = np.empty(n, dtype=np.int64)
    rank[order] = np.arange(n) - np.repeat(starts, np.diff(np.r_[starts, n]))
    phone: Ints = area_codes * 10_000_000 + 5_550_100 + _lines(seed)[0][area_codes, rank % _LINES]
    spare = np.flatnonzero(rank >= _PEOPLE)
    if spare.size:
        phone[spare] = _never_assigned(seed, np.arange(spare.size))
    return phone


def other_numbers(seed: int, phone: Ints, index: Ints, turn: int) -> Ints:
    """Numbers beside those of :func:`phone_numbers` that nobody has.

    Args:
        seed: of the build.
        phone: the numbers that some people have.
        index: of each of them.
        turn: another one gives other numbers; the first three are nobody else's wrong ones either.
    """
    area, rest = np.divmod(phone, 10_000_000)
    lines, ranks = _lines(seed)
    rank = ranks[area, (rest - 5_550_100) % _LINES]
    others: Ints = area * 10_000_000 + 5_550_100 + lines[area, (_LINES - 1 - 3 * rank - turn) % _LINES]
    spare = np.flatnonzero(area // 10 % 10 == 9)
    if spare.size:
        others[spare] = _never_assigned(seed, _OFF_RANGE - 1 - index[spare] * _SLOTS - turn)
    return others


@lru_cache(maxsize=2)
def _lines(seed: int) -> tuple[Ints, Ints]:
    """The order in which the lines of each area code are handed out, ``(1000, 100)``, and its inverse."""
    words = draw(seed, "person.phone", np.arange(1000 * _LINES)).reshape(-1, _LINES)
    lines = np.argsort(words, axis=1, kind="stable")
    return lines, np.argsort(lines, axis=1)


def _never_assigned(seed: int, slots: Ints) -> Ints:
    slot = permute(seed, "person.phone.spare", slots, _OFF_RANGE)
    code, rest = np.divmod(slot, 800 * 10_000)
    return _NEVER_ASSIGNED[code] * 10_000_000 + 2_000_000 + rest


def phone_text(number: int | str) -> str:
    """2125550142 as "(212) 555-0142"."""
    digits = str(number)
    return f"({digits[:3]}) {digits[3:6]}-{digits[6:]}"
