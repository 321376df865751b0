"""Canonical JSON and digests: one value, one sequence of bytes, on every machine."""

import hashlib
from pathlib import Path
from typing import Any

import orjson
from fiubench.support.reading import open_regular

_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE


def canonical_line(value: Any) -> bytes:
    """UTF-8 JSON with sorted keys, no spaces and a closing newline: one line of a ``.jsonl`` file."""
    return orjson.dumps(value, option=_OPTIONS)


def readable_json(value: Any) -> bytes:
    """UTF-8 JSON for files that people open: sorted keys, two spaces of indent, a closing newline."""
    return orjson.dumps(value, option=_OPTIONS | orjson.OPT_INDENT_2)


def digest(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def digest_of(value: Any) -> str:
    """SHA-256 of a value's canonical JSON."""
    return digest(canonical_line(value))


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, read in pieces."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_text(text: str) -> bool:
    """Whether a string can be written as UTF-8: it holds no lone surrogate."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
