"""Sentences: words in comparable form, and where a value's words stand."""

import re
from collections.abc import Sequence
from functools import lru_cache

_ABBREVIATIONS = {
    "st": "street", "ave": "avenue", "av": "avenue", "rd": "road", "dr": "drive", "ln": "lane", "blvd": "boulevard",
    "ct": "court", "pl": "place", "ter": "terrace", "pkwy": "parkway", "hwy": "highway", "sq": "square",
    "cir": "circle", "apt": "apartment", "ste": "suite",
}  # fmt: skip
_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*[+-]?", re.UNICODE)
_BLOOD = {"positive": "+", "pos": "+", "negative": "-", "neg": "-"}
_GROUPING = re.compile(r"(?<=\d)[, '\u2019](?=\d{3}(?!\d))")  # of digits: 12,345 or 12 345
_LOOSE = str.maketrans(dict.fromkeys("\t\v\f\r\x1c\x1d\x1e\x1f ,'"))  # what `normal` may leave out, but line ends

Span = tuple[int, int]  # begin and end in a text


def words_of(text: str) -> list[str]:
    """The words of a text in comparable form: lower case, abbreviations spelled out."""
    return [word for word, _ in _tokens(text)]


def folded(text: str) -> str:
    """:func:`words_of` a text, one space between, one at each end: for looking up whole values."""
    return f" {' '.join(words_of(text))} "


def normal(text: str) -> str:
    """A text in the form in which two are the same: whatever their case, their spaces and the grouping of digits."""
    return _GROUPING.sub("", " ".join(text.casefold().split()))


def loose(texts: Sequence[str]) -> list[str] | None:
    """Texts in a coarser form than :func:`normal`, in a quarter of its time; ``None`` where there is none of them.

    Where none of these is another one or stands in it, none does in the form of :func:`normal`.
    """
    joined = "\n".join(texts)
    made = joined.lower().translate(_LOOSE).split("\n") if joined.isascii() else ()
    return list(made) if len(made) == len(texts) else None


def apart(spans: list[Span]) -> list[Span]:
    """The spans that lie in no other, in order."""
    kept: list[Span] = []
    for span in sorted(set(spans), key=lambda s: (s[0], -s[1])):
        if not kept or span[0] >= kept[-1][1]:
            kept.append(span)
    return kept


def holds(text: str, part: str) -> bool:
    """Whether a text holds another one anywhere; a number only as a whole: neither "12" nor "1.50" holds "1"."""
    return part in text and _whole_numbers(part).search(text) is not None


@lru_cache(maxsize=1 << 10)
def _whole_numbers(part: str) -> re.Pattern[str]:
    before = r"(?<!\d)(?<!\d[.,])" if part[:1].isdecimal() else ""
    after = r"(?!\d|[.,]\d)" if part[-1:].isdecimal() else ""
    return re.compile(before + re.escape(part) + after)


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


def find_words(forms: list[list[str]], sentence: str) -> list[Span]:
    """Where any of the sequences of words (as :func:`words_of` gives them) stands in a sentence."""
    tokens = _tokens(sentence)
    words = [word for word, _ in tokens]
    spans = []
    for form in forms:
        for start in range(len(words) - len(form) + 1 if form else 0):
            if words[start : start + len(form)] == form:
                spans.append((tokens[start][1][0], tokens[start + len(form) - 1][1][1]))
    return apart(spans)
