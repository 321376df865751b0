"""The people of MLLMU-Bench (Liu et al., 2024): taught questions as JSON text, and three tasks as structs."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fiubench.builder.dataset.adapter import (
    Adapter,
    Fault,
    Row,
    key_faults,
    objects,
    picture,
    picture_faults,
    register,
    text_faults,
)

_PICTURED, _NAMED = "Image_Textual", "Pure_Text"
_CHOICES = (f"{_PICTURED}_Questions", f"{_NAMED}_Questions")
_TASKS = ("Classification_Task", "Mask_Task", "Generation_Task")
_LONGEST = 4 << 20  # characters of one person's taught questions


@register
class MLLMU(Adapter):
    """MLLMU-Bench's people, with taught questions, choices, blanks and free questions."""

    name = "mllmu"
    columns = tuple(frozenset({"ID", name}) for name in ("metadata", *_TASKS))
    keys = ("ID",)
    by_name = True

    def faults(self, row: Row) -> Iterator[Fault]:
        """What makes its programs end, or pass over somebody without a word."""
        yield from key_faults(self, row)
        if row.get("images") is None:
            yield from picture_faults(row)
        elif not isinstance(row["images"], list) or not row["images"]:
            yield Fault("images", f"is {row['images']!r:.60}", "a list of pictures")
        if "metadata" in row:
            yield from _taught_faults(row["metadata"])
        if "Classification_Task" in row:
            yield from _choice_faults(row["Classification_Task"])
        for task in ("Mask_Task", "Generation_Task"):
            if task in row:
                yield from _task_faults(task, row[task])

    def record(self, rows: Sequence[Row]) -> dict[str, Any]:
        """What is taught, what is asked besides in free text, and the choices; blanks repeat them."""
        (row,) = rows
        pairs: list[dict[str, Any]] = [{"question": q, "answer": a} for q, a in _taught(row.get("metadata") or "[]")]
        known = {pair["question"] for pair in pairs}
        for task in objects(row.get("Generation_Task") or [], "Generation_Task"):
            if task["Question"] not in known:
                pairs.append({"question": task["Question"], "answer": task["Ground_Truth"]})
        choices = row.get("Classification_Task") or {}
        for name in _CHOICES:
            for task in objects(choices.get(name) or [], name):
                options = {letter: text for letter, text in task["Options"].items() if text is not None}
                right = options.pop(task["Correct_Answer"])
                wrong = [*options.values()]
                pairs.append({"question": task["Question"], "answer": right, "perturbed_answer": wrong, "choice": True})
        pictures = row.get("images") if row.get("image") is None else None
        return {"qa_list": pairs, **picture({"image": pictures[0]} if pictures else row)}


def _taught(text: Any) -> list[tuple[str, str]]:
    """Questions and answers of ``metadata``; empty ones are passed over, as its programs do."""
    if not isinstance(text, str):
        raise TypeError("'metadata' is no JSON text")
    if len(text) > _LONGEST:
        raise ValueError(f"'metadata' is longer than {_LONGEST >> 20} MB")
    try:
        listed = objects(json.loads(text), "'metadata'")
    except RecursionError as error:
        raise ValueError("'metadata' is nested too deeply") from error
    return [(pair["Question"], pair["Answer"]) for pair in listed if pair["Question"] and pair["Answer"]]


def _taught_faults(text: Any) -> Iterator[Fault]:
    try:
        pairs = _taught(text)
    except KeyError as missing:
        yield Fault("metadata", f"an entry has no {missing}", "each has Question and Answer")
    except (TypeError, ValueError) as error:
        yield Fault("metadata", str(error)[:120], "JSON text that holds a list of Question and Answer")
    else:
        if not pairs:
            yield Fault("metadata", "teaches nothing", "questions with answers")
        for question, answer in pairs:
            yield from text_faults({"Question": question, "Answer": answer}, "Question", "Answer", prefix="metadata[].")


def _choice_faults(task: Any) -> Iterator[Fault]:
    if not isinstance(task, Mapping):
        yield Fault("Classification_Task", f"is {task!r:.60}", "a struct of two lists")
        return
    for name in _CHOICES:
        listed, path = task.get(name, []), f"Classification_Task.{name}"
        try:
            entries = objects(listed, "the list")
        except TypeError:
            yield Fault(path, f"is {listed!r:.60}", "a list of structs, an empty one where there is nothing")
            continue
        for each in entries:
            yield from text_faults(each, "Question", prefix=f"{path}[].")
            options = each.get("Options")
            if not isinstance(options, Mapping) or not all(isinstance(options.get(k), str) for k in "ABCD"):
                yield Fault(f"{path}[].Options", f"is {options!r:.80}", "a text under each of A, B, C and D")
            elif len(set(options.values())) < len(options):
                yield Fault(f"{path}[].Options", f"one is there twice: {options!r:.80}", "each is another")
            if each.get("Correct_Answer") not in ("A", "B", "C", "D"):
                yield Fault(
                    f"{path}[].Correct_Answer", f"is {each.get('Correct_Answer')!r:.40}", "a letter from A to D"
                )


def _task_faults(name: str, listed: Any) -> Iterator[Fault]:
    try:
        entries = objects(listed, "the list")
    except TypeError:
        yield Fault(name, f"is {listed!r:.60}", "a list of structs, an empty one where there is nothing")
        return
    for each in entries:
        yield from text_faults(each, "Question", "Ground_Truth", prefix=f"{name}[].")
        if each.get("Type") not in (_PICTURED, _NAMED):
            yield Fault(
                f"{name}[].Type", f"is {each.get('Type')!r:.40}, which is counted nowhere", f"{_PICTURED} or {_NAMED}"
            )
        if name == "Mask_Task" and "__" not in str(each.get("Question")):
            yield Fault(
                f"{name}[].Question", f"{each.get('Question')!r:.80} has no blank", "two underscores for the blank"
            )
