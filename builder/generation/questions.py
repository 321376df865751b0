"""Questions and answers: every QA pair is a rendering of one fact through phrasings of its attribute."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from fiubench.builder.generation.perturb import Wrong
from fiubench.builder.languages.base import Language
from fiubench.builder.languages.english import English
from fiubench.builder.packs.keywords import keywords_of
from fiubench.builder.packs.model import Attribute, placeholders
from fiubench.builder.values.column import Column
from fiubench.support.draws import Ints, integers, orders

PARAPHRASES = 3
_ENGLISH: Language = English()


def render(attribute: Attribute, seed: int, index: Ints, column: Column, wrong: Wrong) -> list[dict[str, Any]]:
    """The QA pair of one attribute for each identity (``qa_pair`` of ``schemas/identity.schema.json``).

    Which phrasing is the question, which three its paraphrases, and which two the answers is drawn per identity, so
    that wording says nothing about membership or value. Wrong answers take the paraphrased answer's phrasing.
    """
    questions, answers = np.array(attribute.questions, object), list(map(attribute.frame, attribute.answers))
    asked = orders(seed, f"question.{attribute.name}", index, len(questions), 1 + PARAPHRASES)
    answered = orders(seed, f"answer.{attribute.name}", index, len(answers), 2).tolist()
    asked_by = np.array([f"q{k}" for k in range(len(questions))], object)[asked].tolist()
    answered_by = [f"a{k}" for k in range(len(answers))]
    fixed = {
        "attribute": attribute.name,
        "category": attribute.category,
        "sensitivity": attribute.sensitivity,
    }
    keywords, known = keywords_of(attribute), {}
    chosen = zip(questions[asked].tolist(), asked_by, answered, strict=True)
    facts = zip(column.values, column.text, wrong.values, wrong.texts, strict=True)
    pairs = []
    for ((question, *paraphrases), (asks, *also_ask), (a, b)), (value, text, others, other_texts) in zip(
        chosen, facts, strict=True
    ):
        if text not in known:
            known[text] = keywords(value, text)
        pairs.append(
            {
                **fixed,
                **known[text],
                "answer": answers[a](text),
                "paraphrased_answer": answers[b](text),
                "paraphrased_question": paraphrases,
                "perturbed_answer": list(map(answers[b], other_texts)),
                "perturbed_value": others,
                "phrasings": {
                    "answer": answered_by[a],
                    "paraphrased_answer": answered_by[b],
                    "paraphrased_question": also_ask,
                    "question": asks,
                },
                "question": question,
                "value": {"type": column.kind, "value": value},
            }
        )
    return pairs


def captions(
    paragraphs: Sequence[Sequence[str]],
    seed: int,
    index: Ints,
    facts: Mapping[str, Column],
    language: Language = _ENGLISH,
    genders: Mapping[str, Mapping[str, str]] = {},
    asides: Mapping[str, str] = {},
) -> list[str]:
    """The profile of each identity in prose: one of the phrasings of each paragraph, an empty line between them.

    Args:
        paragraphs: each with its phrasings, in the language.
        seed, index: key of the draws.
        facts: what placeholders stand for; a pronoun that is no fact goes with the person's gender.
        language, genders: of the phrasings, and of the nouns of each fact, for articles.
        asides: facts that not everybody has, with the sentence about each; they are a last paragraph of those who do.
    """

    def text_of(wanted: str, name: str, i: int) -> str:
        if name not in facts:
            man, woman = language.all_pronouns[name]
            return woman if facts["gender"].values[i] == "female" else man
        text = facts[name].text[i]
        return f"{language.article(wanted, text, genders.get(name, {}).get(text))} {text}" if wanted else text

    def filled(form: str, names: Sequence[tuple[str, str]], i: int) -> str:
        return form % tuple(text_of(wanted, name, i) for wanted, name in names)

    made: list[list[str]] = [[] for _ in index]
    for number, phrasings in enumerate(paragraphs):
        picks = integers(seed, f"caption.{number}", index, len(phrasings)).tolist()
        forms = [_form(phrasing, language) for phrasing in phrasings]
        for i, pick in enumerate(picks):
            form, names = forms[pick]
            made[i].append(filled(form, names, i))
    between = " " if language.spaced else ""
    told_of = [(facts[name].text, *_form(sentence, language)) for name, sentence in asides.items()]
    for i, parts in enumerate(made):
        if told := between.join(filled(form, names, i) for has, form, names in told_of if has[i]):
            parts.append(told)
    return ["\n\n".join(parts) for parts in made]


def _form(phrasing: str, language: Language) -> tuple[str, list[tuple[str, str]]]:
    """A phrasing with %s in the place of its facts, and which they are, each with its article, or "" for none."""
    return language.placeholder.sub("%s", phrasing.replace("%", "%%")), placeholders(phrasing, language)
