"""Questions and answers: every QA pair is a rendering of one fact through phrasings of its attribute."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fiubench.builder.generation.perturb import Wrong
from fiubench.builder.packs.attributes import Attribute, placeholders
from fiubench.builder.values.column import Column
from fiubench.builder.values.english import article
from fiubench.support.draws import Ints, integers, orders

PARAPHRASES = 3
_VALUE, _A_VALUE = "{value}", "{a value}"


@dataclass(frozen=True)
class Phrasings:
    """An attribute's phrasings, taken apart once for a build."""

    attribute: Attribute
    answers: tuple[tuple[str, bool, str], ...]  # before the value, with article, after it

    @classmethod
    def of(cls, attribute: Attribute) -> "Phrasings":
        """Split each answer at its placeholder."""
        return cls(attribute, tuple(_split(answer) for answer in attribute.answers))


def _split(answer: str) -> tuple[str, bool, str]:
    holder = _A_VALUE if _A_VALUE in answer else _VALUE
    before, after = answer.split(holder)
    return before, holder == _A_VALUE, after


def _fill(parts: tuple[str, bool, str], text: str) -> str:
    before, with_article, after = parts
    return f"{before}{article(text)} {text}{after}" if with_article else f"{before}{text}{after}"


def render(phrasings: Phrasings, seed: int, index: Ints, column: Column, wrong: Wrong) -> list[dict[str, Any]]:
    """The QA pair of one attribute for each identity (``qa_pair`` of ``schemas/identity.schema.json``).

    Which phrasing is the question, which three its paraphrases, and which two the answers is drawn per identity, so
    that wording says nothing about membership or value. Wrong answers take the paraphrased answer's phrasing.
    """
    attribute = phrasings.attribute
    questions, answers = attribute.questions, phrasings.answers
    asked = orders(seed, f"question.{attribute.name}", index, len(questions), 1 + PARAPHRASES).tolist()
    answered = orders(seed, f"answer.{attribute.name}", index, len(answers), 2).tolist()
    fixed = {
        "attribute": attribute.name,
        "category": attribute.category,
        "sensitivity": attribute.sensitivity,
    }
    question_ids = [f"q{k}" for k in range(len(questions))]
    answer_ids = [f"a{k}" for k in range(len(answers))]
    kind = column.kind
    parts = attribute.type.keyword_parts if attribute.keywords == "parts" else ()
    pairs = []
    for q, (a, b), value, text, others, other_texts in zip(
        asked, answered, column.values, column.text, wrong.values, wrong.texts, strict=True
    ):
        before, with_article, after = answers[b]
        if with_article:
            paraphrase = f"{before}{article(text)} {text}{after}"
            wrong_answers = [f"{before}{article(other)} {other}{after}" for other in other_texts]
        else:
            paraphrase = f"{before}{text}{after}"
            wrong_answers = [f"{before}{other}{after}" for other in other_texts]
        pairs.append(
            {
                **fixed,
                "answer": _fill(answers[a], text),
                "keywords": [value[part] for part in parts] if parts else [text],
                "paraphrased_answer": paraphrase,
                "paraphrased_question": [questions[k] for k in q[1:]],
                "perturbed_answer": wrong_answers,
                "perturbed_value": others,
                "phrasings": {
                    "answer": answer_ids[a],
                    "paraphrased_answer": answer_ids[b],
                    "paraphrased_question": [question_ids[k] for k in q[1:]],
                    "question": question_ids[q[0]],
                },
                "question": questions[q[0]],
                "value": {"type": kind, "value": value},
            }
        )
    return pairs


class Captions:
    """The profile of each identity as a few paragraphs."""

    def __init__(self, paragraphs: Sequence[Sequence[str]]) -> None:
        self.paragraphs = [[_compile_caption(wording) for wording in wordings] for wordings in paragraphs]

    def render(self, seed: int, index: Ints, facts: Mapping[str, Column]) -> list[str]:
        """One caption per identity; paragraphs are separated by an empty line."""
        columns = []
        for number, wordings in enumerate(self.paragraphs):
            picks = integers(seed, f"caption.{number}", index, len(wordings)).tolist()
            texts = {name: facts[name].text for _, names in wordings for _, name in names}
            columns.append([_fill_caption(wordings[k], texts, i) for i, k in enumerate(picks)])
        return ["\n\n".join(paragraphs) for paragraphs in zip(*columns, strict=True)] if columns else [""] * len(index)


_CaptionTemplate = tuple[str, list[tuple[bool, str]]]


def _compile_caption(wording: str) -> _CaptionTemplate:
    names = placeholders(wording)
    template = wording.replace("%", "%%")
    for with_article, name in names:
        template = template.replace(f"{{{'a ' if with_article else ''}{name}}}", "%s", 1)
    return template, names


def _fill_caption(template: _CaptionTemplate, texts: Mapping[str, list[str]], i: int) -> str:
    form, names = template
    return form % tuple(f"{article(texts[n][i])} {texts[n][i]}" if a else texts[n][i] for a, n in names)
