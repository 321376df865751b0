"""What a sentence says of a value: is the fact stated, in whatever legal form, and is nothing else of its type?

``keeps_fact`` is a check on values, not on text: "April 5, 2022", "5 April 2022" and "2022-04-05" are one date, and
"$16,115.65" and "16115.65 dollars" one amount, while a digit, a sign or a word that moves is another value. What is not
recognised is refused: a sentence may be turned down that a person would pass, never the other way round.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from fiubench.builder.values.facts import FORMATS

_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
           "december")  # fmt: skip
_MONTH = r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|" \
         r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"  # fmt: skip
_DAY, _YEAR = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?", r"(?P<year>[12]\d{3})"
_DATES = tuple(
    re.compile(pattern, re.IGNORECASE | re.ASCII)
    for pattern in (
        rf"(?<![\w.-]){_YEAR}-(?P<month>[01]\d)-(?P<day>[0-3]\d)(?![\w-])",
        rf"(?<![\w./-])(?P<month>[01]?\d)/(?P<day>[0-3]?\d)/{_YEAR}(?![\w/])",
        rf"\b{_MONTH}\s+(?:the\s+)?{_DAY},?\s+{_YEAR}\b",
        rf"(?<![\w.])(?:the\s+)?{_DAY}\s+(?:day\s+)?(?:of\s+)?{_MONTH},?\s+{_YEAR}\b",
    )
)
_AMOUNT = r"(?P<amount>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
_MONEY = tuple(
    re.compile(pattern, re.IGNORECASE | re.ASCII)
    for pattern in (
        rf"(?<![\w.,$-])(?:US\s?)?\$\s?{_AMOUNT}(?!\w|[.,]\d)(?!\s*(?:thousand|million|billion|k\b|m\b))(?:\s+(?:US\s+)?(?:dollars|USD)\b)?",
        rf"(?<![\w.,$-])(?:USD|US\s+dollars)\s?{_AMOUNT}(?!\w|[.,]\d)",
        rf"(?<![\w.,$-]){_AMOUNT}\s?(?:US\s+)?(?:dollars|USD)\b",
    )
)
_INTEGER = re.compile(r"(?<![\w.,$-])(?P<number>-?(?:\d{1,3}(?:,\d{3})+|\d+))(?![\w-]|[.,]\d)", re.ASCII)
_PHONE = re.compile(
    r"(?<![\w.+-])(?:\+?1[\s.-]?)?(?:\((?P<a>\d{3})\)|(?P<a2>\d{3}))[\s.-]*(?P<b>\d{3})[\s.-]*(?P<c>\d{4})(?![\w-])",
    re.ASCII,
)
_ABBREVIATIONS = {
    "st": "street", "ave": "avenue", "av": "avenue", "rd": "road", "dr": "drive", "ln": "lane", "blvd": "boulevard",
    "ct": "court", "pl": "place", "ter": "terrace", "pkwy": "parkway", "hwy": "highway", "sq": "square",
    "cir": "circle", "apt": "apartment", "ste": "suite",
}  # fmt: skip
_STATES = (
    "AK Alaska,AL Alabama,AR Arkansas,AZ Arizona,CA California,CO Colorado,CT Connecticut,DC District of Columbia,"
    "DE Delaware,FL Florida,GA Georgia,HI Hawaii,IA Iowa,ID Idaho,IL Illinois,IN Indiana,KS Kansas,KY Kentucky,"
    "LA Louisiana,MA Massachusetts,MD Maryland,ME Maine,MI Michigan,MN Minnesota,MO Missouri,MS Mississippi,"
    "MT Montana,NC North Carolina,ND North Dakota,NE Nebraska,NH New Hampshire,NJ New Jersey,NM New Mexico,NV Nevada,"
    "NY New York,OH Ohio,OK Oklahoma,OR Oregon,PA Pennsylvania,RI Rhode Island,SC South Carolina,SD South Dakota,"
    "TN Tennessee,TX Texas,UT Utah,VA Virginia,VT Vermont,WA Washington,WI Wisconsin,WV West Virginia,WY Wyoming"
)
_STATE_NAMES = {code: name.casefold() for code, _, name in (entry.partition(" ") for entry in _STATES.split(","))}
_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*[+-]?", re.UNICODE)
_BLOOD = {"positive": "+", "pos": "+", "negative": "-", "neg": "-"}

Span = tuple[int, int]


@dataclass(frozen=True)
class Stated:
    """A place of a sentence where a value of a type is stated."""

    span: Span
    value: Any


def _dates(text: str) -> Iterator[Stated]:
    for pattern in _DATES:
        for match in pattern.finditer(text):
            month = match["month"].lower()
            number = int(month) if month.isdigit() else 1 + [m[:3] for m in _MONTHS].index(month[:3])
            try:
                value = date(int(match["year"]), number, int(match["day"])).isoformat()
            except ValueError:
                continue  # no such day: what is left of it is told as a stray number
            yield Stated(match.span(), value)


def _money(text: str) -> Iterator[Stated]:
    for pattern in _MONEY:
        for match in pattern.finditer(text):
            yield Stated(match.span(), Decimal(match["amount"].replace(",", "")))


def _integers(text: str) -> Iterator[Stated]:
    for match in _INTEGER.finditer(text):
        yield Stated(match.span(), int(match["number"].replace(",", "")))


def _phones(text: str) -> Iterator[Stated]:
    for match in _PHONE.finditer(text):
        yield Stated(match.span(), (match["a"] or match["a2"]) + match["b"] + match["c"])


def _digits(phone: str) -> str:
    digits = "".join(c for c in phone if c.isdigit())
    return digits[1:] if len(digits) == 11 and digits[0] == "1" else digits


#: Types whose values are recognised by their form: (all that are stated in a text, a value in comparable form).
_BY_FORM: Mapping[str, tuple[Callable[[str], Iterator[Stated]], Callable[[Any], Any]]] = {
    "date": (_dates, str),
    "money": (_money, lambda value: Decimal(str(value)).quantize(Decimal("0.01"))),
    "integer": (_integers, int),
    "phone": (_phones, _digits),
}


def states(kind: str, value: Any, sentence: str) -> list[Span]:
    """The places of a sentence where the value is stated, in any legal form; none where it is not.

    Args:
        kind: fact type.
        value: the value in its JSON form.
        sentence: a text.
    """
    if kind in _BY_FORM:
        find, comparable = _BY_FORM[kind]
        wanted = comparable(value)
        return _apart([stated.span for stated in find(sentence) if stated.value == wanted])
    return _by_words(_words_of(kind, value), sentence)


def _apart(spans: list[Span]) -> list[Span]:
    """The spans that lie in no other, in order."""
    kept: list[Span] = []
    for span in sorted(set(spans), key=lambda s: (s[0], -s[1])):
        if not kept or span[0] >= kept[-1][1]:
            kept.append(span)
    return kept


def _words_of(kind: str, value: Any) -> list[list[str]]:
    """The sequences of words that state a value that is told apart by its words."""
    if kind == "address":
        parts = [_normal_words(str(value[key])) for key in ("street", "city")]
        state = [value["state"].casefold()], _STATE_NAMES.get(value["state"], value["state"]).split()
        return [[*parts[0], *parts[1], *name, str(value["zip"])] for name in state]
    words = [word for word, _ in _tokens(str(value))]
    forms = [words]
    if kind == "name" and len(words) >= 2:
        forms.append([words[-1], *words[:-1]])  # "Smith, Jane"
    return forms


def _normal_words(text: str) -> list[str]:
    return [word for word, _ in _tokens(text)]


def _tokens(text: str) -> list[tuple[str, Span]]:
    """The words of a text in comparable form: lower case, abbreviations spelled out, "A positive" as "A+"."""
    tokens: list[tuple[str, Span]] = []
    for match in _WORD.finditer(text):
        word, end = match.group().casefold().replace("\u2019", "'"), match.end()
        if word.endswith("-") and re.match(r"[^\W_]", text[end : end + 1]):
            word, end = word[:-1], end - 1  # a hyphen between words, not a sign after one
        if tokens and word in _BLOOD and tokens[-1][0] in ("a", "b", "ab", "o"):
            tokens[-1] = (tokens[-1][0] + _BLOOD[word], (tokens[-1][1][0], end))
            continue
        tokens.append((_ABBREVIATIONS.get(word, word), (match.start(), end)))
    return tokens


def _by_words(forms: list[list[str]], sentence: str) -> list[Span]:
    tokens = _tokens(sentence)
    words = [word for word, _ in tokens]
    spans = []
    for form in forms:
        for start in range(len(words) - len(form) + 1 if form else 0):
            if words[start : start + len(form)] == form:
                spans.append((tokens[start][1][0], tokens[start + len(form) - 1][1][1]))
    return _apart(spans)


def canonical(kind: str, value: Any) -> str:
    """The value as it is written in a sentence by default."""
    return FORMATS[kind](value)


def folded(text: str) -> str:
    """A text's words in comparable form, one space between, one at each end: for looking up whole values."""
    return f" {' '.join(_normal_words(text))} "
