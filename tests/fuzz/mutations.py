"""Documents and files that are almost right: strategies of hypothesis that spoil something valid in a few places."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

#: Texts that mean something somewhere: expressions, templates, paths, dates, numbers written as text.
_TEXTS = st.sampled_from([
    "", " ", "\n", "0", "-1", "1e999", "NaN", "null", "{value}", "{a value}", "{", "}", "{}", "{name}", "{0}", "..",
    "../x", "/dev/zero", "C:\\x", "a" * 2000, "\u00e9", "\u202e", "\x00", "\U0001d518", "round(5, -99999999)",
    "day - 1", "(" * 200, "2024-02-30", "9999-12-31", "forget05", "full", "__proto__", "choose", "compute", "identity",
])  # fmt: skip
_NUMBERS = st.sampled_from([0, -1, 1, 2, 3, 10**6, 2**31, 2**63, 2**64, 10**30, 0.5, -0.0, 1e308, 1e-9])
_LEAVES = st.one_of(st.none(), st.booleans(), _NUMBERS, _TEXTS, st.text(max_size=8))
VALUES = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_TEXTS, inner, max_size=3)),
    max_leaves=6,
)


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to every node of a document but itself."""
    inside = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in inside:
        yield (*path, key)
        yield from places(value, (*path, key))


@st.composite
def spoilt(draw: Any, document: Any) -> Any:
    """A document with one to three of its nodes replaced, removed, added to or doubled."""
    changed = deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        there = list(places(changed))
        if not there:
            return draw(VALUES)
        *path, last = draw(st.sampled_from(there))
        inside = changed
        for key in path:
            inside = inside[key]
        match draw(st.sampled_from(["replace", "remove", "add", "double"])):
            case "replace":
                inside[last] = draw(VALUES)
            case "remove":
                del inside[last]
            case "add" if isinstance(inside, dict):
                inside[draw(_TEXTS)] = draw(VALUES)
            case _ if isinstance(inside, list):
                inside.insert(0, deepcopy(inside[last]))
    return changed


@st.composite
def spoilt_bytes(draw: Any, content: bytes) -> bytes:
    """A file with a few stretches cut out, doubled, overwritten, or bytes put in."""
    changed = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(changed)))
        stop = min(len(changed), start + draw(st.sampled_from([0, 1, 2, 7, 64, 1000])))
        choices = [
            b"", b"\x00", b'"', b",", b";", b"\r\n", b"\n\n", b"\xff\xfe", b"\xef\xbb\xbf", b"=1+1", b"\t", b"'",
            b"9" * 400, bytes(changed[start:stop]) * 2,
        ]  # fmt: skip
        changed[start:stop] = draw(st.sampled_from(choices))
    return bytes(changed)
