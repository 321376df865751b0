"""Check digits: what makes a made-up number pass for one of its kind, and how it is known to be nobody's."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

_VIN = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ0123456789", map(int, "12345678123457923456789" + "0123456789"), strict=True))
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_OWN_COUNTRIES = {"AA", "ZZ", *(f"Q{c}" for c in "MNOPQRSTUVWXYZ"), *(f"X{c}" for c in "ABCDEFGHIJLMNOPQRSTUVWXYZ")}
_PERSONAL = 9  # digits from which on a number with a Luhn digit may be a card, a phone or a person


class Check(NamedTuple):
    """A kind of check digits.

    Attributes:
        help: what has it.
        places: how many signs of a pattern are check digits.
        fill: the signs at these places, given all of them with ``*`` there.
        fault: why a pattern may make somebody's number, or is none of the kind: given what may stand at each place.
        letters: what is left out of the letters.
    """

    help: str
    places: int
    fill: Callable[[str], str]
    fault: Callable[[Sequence[str]], str]
    without: str = ""


def _luhn(signs: str) -> str:
    """ISO/IEC 7812-1: every second digit from the check digit on counts twice."""
    from_the_end = len(signs) - 1 - signs.index("*")
    total = 0
    for place, sign in enumerate(reversed(signs)):
        digit = 0 if sign == "*" else int(sign)
        total += digit if place % 2 == 0 else digit * 2 - 9 * (digit > 4)
    digits = {(digit if from_the_end % 2 == 0 else digit * 2 - 9 * (digit > 4)): digit for digit in range(10)}
    return str(digits[-total % 10])


def _iban(signs: str) -> str:
    """ISO 13616: with the country at the end and letters as 10 to 35, the number is 1 modulo 97."""
    number = "".join(str(int(sign, 36)) for sign in signs[4:] + signs[:2])
    return f"{98 - int(number + '00') % 97:02}"


def _vin(signs: str) -> str:
    """49 CFR 565.15(c): the weighted sum modulo 11, with X for 10."""
    total = sum(_VIN.get(sign, 0) * weight for sign, weight in zip(signs, _VIN_WEIGHTS, strict=True))
    return "0123456789X"[total % 11]


def _luhn_fault(places: Sequence[str]) -> str:
    if any(not set(place) <= set("0123456789*") for place in places):
        return "has digits alone"
    if len(places) >= _PERSONAL and list(places[:4]) != list("0000"):
        return f"of {_PERSONAL} or more digits begins with 0000, as no card, telephone or person's number does"
    return ""


def _iban_fault(places: Sequence[str]) -> str:
    country = "".join(places[:2])
    if len(places) < 15 or len(places) > 34 or len(country) != 2 or not country.isalpha():
        return "has two letters for a country, ** and 11 to 30 signs"
    if list(places[2:4]) != ["*", "*"]:
        return "has its ** behind the country"
    german = country == "DE" and len(places) == 22 and places[4] == "0"
    if country not in _OWN_COUNTRIES and not german:
        return (
            "begins with a country that nobody is (XX, or another that ISO 3166 leaves to its users), or with DE** and "
            "0, as no German bank code does, in all 22 signs"
        )
    return ""


def _vin_fault(places: Sequence[str]) -> str:
    if len(places) != len(_VIN_WEIGHTS) or places[8] != "*":
        return "has 17 signs, the ninth *"
    if any(not set(place) <= {*_VIN, "*"} for place in places):
        return "has digits and letters but I, O and Q"
    if places[0] not in ("1", "2", "3", "4", "5") or places[9] not in ("0", "U", "Z"):
        return "begins with 1 to 5 and has 0, U or Z, which stand for no model year, as its tenth sign"
    return ""


#: By name, as packs say ``check: luhn``.
CHECKS: dict[str, Check] = {
    "luhn": Check("payment cards, IMEIs, customer numbers", 1, _luhn, _luhn_fault),
    "iban": Check("international bank account numbers", 2, _iban, _iban_fault),
    "vin": Check("vehicle identification numbers", 1, _vin, _vin_fault, without="Q"),
}
