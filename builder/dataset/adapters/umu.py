"""The people of UMU-Bench (2025): columns of text in Python's own notation, read as data and never run."""

import ast
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fiubench.builder.dataset.adapter import Adapter, Fault, Row, key_faults, picture, picture_faults, register

_TAUGHT, _ASKED = ("MM_QA", "UM_QA"), ("Classify", "Cloze", "Generation")
_HALVES = ("unimodal", "muitimodal")  # as its programs spell it
_LONGEST = 1 << 20  # characters of one column of a person
_ANSWER = re.compile(r"([A-D])\. ?(.*)", re.DOTALL)


@register
class UMU(Adapter):
    """UMU-Bench's people, each question by picture and by name."""

    name = "umu"
    columns = tuple(frozenset({"ID", name}) for name in (*_TAUGHT, *_ASKED[:2]))
    keys = ("ID",)
    by_name = True

    def faults(self, row: Row) -> Iterator[Fault]:
        """Columns that are no dictionary, and halves that do not match."""
        yield from key_faults(self, row)
        yield from picture_faults(row)
        for name in (*_TAUGHT, *_ASKED):
            if name not in row:
                continue
            try:
                document = literal(row[name])
            except ValueError as error:
                yield Fault(name, str(error), "text that holds a dictionary in Python's notation")
                continue
            first, second = ("question", "answer") if name in _TAUGHT else _HALVES
            a, b = document.get(first), document.get(second)
            if not isinstance(a, Mapping) or not isinstance(b, Mapping):
                yield Fault(name, f"has the keys {', '.join(map(repr, document))!s:.60}", f"{first!r} and {second!r}")
            elif missing := sorted(map(str, a.keys() ^ b.keys())):
                yield Fault(name, f"{missing[0]!r} is in one half alone", f"the same keys in {first} and {second}")
            elif name in _ASKED:
                yield from _asked_faults(name, a, b)
            elif odd := [key for both in (a, b) for key, text in both.items() if not isinstance(text, str) or not text]:
                yield Fault(name, f"{odd[0]!r} has an empty text or none", "texts")

    def record(self, rows: Sequence[Row]) -> dict[str, Any]:
        """What is taught in both ways, and the choices; the blanks say what the values are."""
        (row,) = rows
        read = {name: literal(row[name]) for name in (*_TAUGHT, *_ASKED) if row.get(name) is not None}
        values = {key: each["answer"] for key, each in read.get("Cloze", {}).get(_HALVES[0], {}).items()}
        pairs = []
        for name in _TAUGHT:
            taught = read.get(name, {"question": {}, "answer": {}})
            for key, question in taught["question"].items():
                pair = {"question": question, "answer": taught["answer"][key]}
                pairs.append(pair | _label(key, values.get(key)))
        for half in _HALVES:
            asked = {} if read.keys() & {*_TAUGHT} else read.get("Generation", {}).get(half, {})
            for key, each in asked.items():
                pair = {"question": each["question"], "answer": each["answer"]}
                pairs.append(pair | _label(key, values.get(key)))
            for key, each in read.get("Classify", {}).get(half, {}).items():
                pairs.append(_choice(each) | {"attribute": str(key)})
        return {"qa_list": pairs, **picture(row)}


def literal(text: Any) -> dict[Any, Any]:
    """A dictionary in Python's notation.

    Raises:
        ValueError: it is something else, or longer than that of a person.
    """
    if not isinstance(text, str):
        raise ValueError(f"is {text!r:.60}")
    if len(text) > _LONGEST:
        raise ValueError(f"is longer than {_LONGEST >> 20} MB")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes that mean nothing
            found = ast.literal_eval(text)
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError) as error:
        raise ValueError(f"can't be read: {str(error) or type(error).__name__:.80}") from error
    if not isinstance(found, dict):
        raise ValueError(f"is {found!r:.60}")
    return found


def _label(key: Any, value: Any) -> dict[str, Any]:
    return {"attribute": str(key), "value": value if isinstance(value, str) else None, "value_type": "text"}


def _choice(each: Mapping[str, Any]) -> dict[str, Any]:
    match = _ANSWER.fullmatch(each["answer"])
    if match is None:
        raise ValueError(f"{each['answer']!r:.60} does not begin with a letter and a point")
    options = dict(each["options"])
    right = options.pop(match[1])
    return {"question": each["question"], "answer": right, "value": right, "value_type": "text",
            "perturbed_answer": [*options.values()], "choice": True}  # fmt: skip


def _asked_faults(name: str, by_name: Mapping[Any, Any], by_picture: Mapping[Any, Any]) -> Iterator[Fault]:
    for key, each in by_name.items():
        other = by_picture[key]
        if not all(isinstance(half, Mapping) and {"question", "answer"} <= half.keys() for half in (each, other)):
            yield Fault(f"{name}.*", f"{key!r} has no question and answer", "each has both")
            continue
        if not all(isinstance(half[field], str) for half in (each, other) for field in ("question", "answer")):
            yield Fault(f"{name}.*", f"{key!r} has a question or answer that is no text", "texts")
        elif name == "Classify":
            options, match = each.get("options"), _ANSWER.fullmatch(each["answer"])
            texts = isinstance(options, Mapping) and all(isinstance(text, str) for text in options.values())
            if not texts or match is None or match[1] not in options:
                yield Fault(
                    "Classify.*.answer",
                    f"{each['answer']!r:.60} is no letter of the options with a point",
                    "as 'B. text'",
                )
            elif not isinstance(other.get("options"), Mapping) or [*options] != [*other["options"]]:
                yield Fault(
                    "Classify.*.options", f"{key!r} has others in the two halves", "the same letters in one order"
                )
        elif name == "Cloze":
            if "." in each["answer"]:
                yield Fault(
                    "Cloze.*.answer", f"{each['answer']!r:.60} is cut at its first point", "an answer without a point"
                )
            if "__" not in each["question"]:
                yield Fault("Cloze.*.question", f"{each['question']!r:.80} has no blank", "underscores for the blank")
