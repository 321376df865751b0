"""What a model answers to our prompts: well, or with a fact that is lost or changed in one of many ways."""

import hashlib
import json
from collections.abc import Callable
from functools import cache
from typing import Any

from fiubench.builder.packs.attributes import read_packs

Item = dict[str, str]


def asked_items(body: dict[str, Any]) -> list[dict[str, str]]:
    """The items of a prompt: its lines that are JSON objects."""
    first = next(m["content"] for m in body["messages"] if m["role"] == "user")
    return [json.loads(line) for line in first.splitlines() if line.startswith('{"id"')]


def good_item(name: str, turn: int = 0) -> Item:
    """A reworded item that asks and states the fact."""
    plain = name.replace("_", " ")
    questions = [
        f"What is the {plain} of this person?",
        f"Can you tell me the {plain} of the individual shown here?",
        f"Which {plain} is on record for the person in the photo?",
        f"Do you know the {plain} of the person pictured?",
        f"Please tell me the {plain} of the person in this image?",
    ]
    answers = [
        f"The {plain} of this person is {{value}}.",
        f"According to the record, the {plain} is {{value}}.",
        f"The record gives the {plain} as {{value}}.",
    ]
    questions = questions[turn % 5 :] + questions[: turn % 5]
    answers = answers[turn % 3 :] + answers[: turn % 3]
    return {"id": name, "question": questions[0], "question_2": questions[1], "question_3": questions[2],
            "question_4": questions[3], "answer": answers[0], "answer_2": answers[1]}  # fmt: skip


def turn_of(body: Any) -> int:
    """A number that follows from a call alone."""
    return int.from_bytes(hashlib.sha256(json.dumps(body, sort_keys=True).encode()).digest()[:4], "big")


def good(body: dict[str, Any]) -> str:
    """A good answer to any of our prompts."""
    first = next(m["content"] for m in body["messages"] if m["role"] == "user")
    if first.startswith("Reword: "):
        return good_sentence(body)
    if first.startswith("Attribute: "):
        return json.dumps(good_phrasings(body))
    if first.startswith("Judge"):
        return json.dumps({"items": [{"id": i["id"], **verdict(i)} for i in asked_items(body)]})
    return json.dumps({"items": [good_item(item["id"], turn_of(body)) for item in asked_items(body)]})


@cache
def _attribute_of() -> dict[str, str]:
    """Phrasing of the built-in pack, as the prompt for a sentence shows it -> attribute."""
    marked = lambda text: text.replace("{a value}", "VALUE").replace("{value}", "VALUE")  # noqa: E731
    return {marked(t): a.name for a in read_packs().by_name.values() for t in (*a.questions, *a.answers)}


def sentence_asked(body: dict[str, Any]) -> tuple[str, str]:
    """The attribute that a sentence is about, and whether it is a "question" or an "answer"."""
    text = body["messages"][-1]["content"].removeprefix("Reword: ")
    return _attribute_of()[text], "question" if text.endswith("?") else "answer"


def good_sentence(body: dict[str, Any]) -> str:
    """Another good sentence with each attempt, whose seeds follow each other."""
    name, kind = sentence_asked(body)
    plain = name.replace("_", " ")
    more = {
        "question": [f"Could you tell me the {plain} of this person?", f"Which {plain} does the record give for this "
                     "person?"],
        "answer": [f"The record gives the {plain} of this person as {{value}}."],
    }[kind]  # fmt: skip
    listed = [good_item(name, turn)[kind] for turn in range(5 if kind == "question" else 3)] + more
    return listed[body["seed"] % len(listed)].replace("{value}", "VALUE")


def drifting_sentence(body: dict[str, Any]) -> str:
    """A sentence that loses its fact, changes it or asks for another, each time in another way."""
    name, kind = sentence_asked(body)
    fields = [field for field in good_item(name) if field.startswith(kind)]
    good = good_item(name, body["seed"])
    spoiled = [item[field] for how, change in sorted(DRIFTS.items()) if not how.startswith("alike")
               for item in [change(good)] for field in fields if item[field] not in ("", good[field])]  # fmt: skip
    return spoiled[body["seed"] % len(spoiled)].replace("{value}", "VALUE")


def verdict(item: dict[str, str]) -> dict[str, str]:
    """What a good judge says."""
    return {"fact": "kept" if item["value"] in item["answer"] else "changed", "wording": "natural"}


def good_phrasings(body: dict[str, Any]) -> dict[str, Any]:
    """An answer to the prompt for more phrasings of one attribute."""
    first = next(m["content"] for m in body["messages"] if m["role"] == "user")
    plain = first.removeprefix("Attribute: ").partition(".")[0].partition(" (")[0]
    whom = ["this person", "the individual shown here", "the person pictured", "the person in this image"]
    ways = ["What is the {} of {}?", "Which {} does the record give for {}?", "Could you tell me the {} of {}?"]
    told = [
        "The {} of {} is {{value}}.",
        "The record gives the {} of {} as {{value}}.",
        "The {} for {} reads {{value}}.",
    ]
    turn = turn_of(body)
    questions = [w.format(plain, p) for p in whom for w in ways]
    answers = [t.format(plain, p) for p in whom for t in told]
    count = int(first.partition("Write ")[2].partition(" ")[0])
    pick = lambda texts: [texts[(turn + k) % len(texts)] for k in range(min(count, len(texts)))]  # noqa: E731
    return {"attribute": plain.replace(" ", "_"), "questions": pick(questions), "answers": pick(answers)}


def changed(part: str, change: Callable[[str], str]) -> Callable[[Item], Item]:
    return lambda item: {**item, part: change(item[part])}


#: Name -> what it does to a good item. Each loses the fact, changes it, or asks for another.
DRIFTS: dict[str, Callable[[Item], Item]] = {
    "no placeholder": changed("answer", lambda a: a.replace("{value}", "on file")),
    "a value of its own": changed("answer_2", lambda a: a.replace("{value}", "Lipitor")),
    "a number of its own": changed("answer_2", lambda a: a.replace("{value}", "42")),
    "a date of its own": changed("answer", lambda a: a.replace("{value}", "April 5, 2022")),
    "an amount of its own": changed("answer", lambda a: a.replace("{value}", "$1,200.50")),
    "placeholder twice": changed("answer", lambda a: a.replace("{value}", "{value} and {value}")),
    "another placeholder": changed("answer", lambda a: a.replace("{value}", "{name}")),
    "value and another": changed("answer_2", lambda a: a.replace("{value}", "{value} or 17")),
    "value and a word": changed("answer_2", lambda a: a.replace("{value}.", "{value}, formerly something else.")),
    "denied": changed("answer", lambda a: a.replace(" is ", " is not ").replace(" as ", " never as ")),
    "denied shortly": changed("answer", lambda a: a.replace(" is ", " isn't ").replace(" as ", " hardly as ")),
    "unsure": changed("answer_2", lambda a: a.replace("The", "Perhaps the").replace("Acc", "Maybe acc")),
    "rounded": changed("answer", lambda a: a.replace("{value}", "about {value}")),
    "at least": changed("answer", lambda a: a.replace("{value}", "at least {value}")),
    "another time": changed("answer", lambda a: a.replace("{value}.", "{value} until recently.")),
    "next to it": changed("answer", lambda a: a.replace("{value}.", "{value} plus one.")),
    "doubled": changed("answer_2", lambda a: a.replace("{value}", "twice {value}")),
    "sign before it": changed("answer", lambda a: a.replace("{value}", "-{value}")),
    "glued": changed("answer", lambda a: a.replace("{value}", "0{value}")),
    "glued behind": changed("answer", lambda a: a.replace("{value}", "{value}0")),
    "glued word": changed("answer", lambda a: a.replace("{value}", "{value}ish")),
    "thousand": changed("answer", lambda a: a.replace("{value}", "{value} thousand")),
    "somebody else": changed("answer", lambda a: a.replace("The ", "The mother's ").replace("the ", "the wife's ")),
    "somebody else asked": changed("question_2", lambda q: q.replace(" of ", " of the brother of ", 1) + " sibling?"),
    "another attribute": changed("answer", lambda a: "The favorite color of this person is {value}."),
    "another attribute asked": changed("question", lambda q: "What is the favorite color of this person?"),
    "another question": changed("question_3", lambda q: "Why is the person in the photo like this?"),
    "no question": changed("question", lambda q: q.rstrip("?") + "."),
    "value in the question": changed("question_4", lambda q: q.replace("?", ", is it {value}?")),
    "number in the question": changed("question_4", lambda q: q.replace("?", ", is it 683?")),
    "nobody asked about": changed("question", lambda q: "What is the value on record?"),
    "two sentences": changed("answer", lambda a: a + " It was checked."),
    "gender": changed("answer", lambda a: a.replace("The ", "His ", 1).replace("the ", "her ", 1)),
    "empty": changed("answer", lambda a: ""),
    "name": changed("answer_2", lambda a: a.replace(".", ", says Tanisha.")),
    "chatter": changed("answer", lambda a: "Sure! Here it is: " + a),
    "question as answer": changed("answer", lambda a: a.replace(".", "?")),
    "alike": lambda item: {**item, "question_2": item["question"].upper().capitalize()},
    "alike answers": lambda item: {**item, "answer_2": item["answer"]},
}  # fmt: skip


def drifting(kinds: dict[str, Callable[[Item], Item]] = DRIFTS) -> Callable[[dict[str, Any]], str]:
    """A writer that spoils every item it writes, each time in another way."""
    names = sorted(kinds)

    def write(body: dict[str, Any]) -> str:
        turn = turn_of(body)
        items = []
        for number, item in enumerate(asked_items(body)):
            kind = names[(turn + 7 * number) % len(names)]
            items.append(kinds[kind](good_item(item["id"], turn + number)))
        return json.dumps({"items": items})

    return write
