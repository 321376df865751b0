"""People and their questions, as every measure sees them, and how they are made of the rows of any dataset."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from fiubench.builder.audit.recognition import asked_about, impersonal, value_in
from fiubench.builder.dataset.adapter import misshapen
from fiubench.builder.dataset.others import Others
from fiubench.builder.languages.base import Language, language_of
from fiubench.builder.languages.english import English
from fiubench.builder.values.base import VALUE_TYPES, reader
from fiubench.schemas.documents import image_root

#: Attributes that are one person's alone, beside those of a type that always is.
_UNIQUE = ("full_name", "email")
_ENGLISH: Language = English()
Words = tuple[str, str, list[str], str | None, list[str]]  # question, answer, others of both, wrong answers


@dataclass(slots=True, eq=False)
class Pair:
    """One question of one person.

    Attributes:
        attribute: what it asks about; ``None`` where it was not recognised.
        kind: type of its value.
        value: in the JSON form of its type; ``None`` where it was not found.
        text: the value as the answer words it; ``None`` likewise.
        sourced: whether a record of the person holds what is asked for.
        wrong: true values of the wrong answers, where the dataset keeps them.
        by_name: whether the dataset asks about people by name, so that names and genders are no secret.
        choice: whether its answers are options and no sentences.
        about: id of the one whom the person is tied to, where it is about that; else empty.
        questions, answers: all sentences of them, those as asked and answered first.
        sentences: questions, then answers.
    """

    attribute: str | None
    category: str
    kind: str
    value: Any
    text: str | None
    sourced: bool
    question: str
    answer: str
    other_questions: list[str]
    other_answer: str | None
    wrong_answers: list[str]
    wrong: list[Any] | None
    by_name: bool = False
    choice: bool = False
    about: str = ""
    questions: tuple[str, ...] = field(init=False)
    answers: tuple[str, ...] = field(init=False)
    sentences: tuple[str, ...] = field(init=False)

    @property
    def is_of_another(self) -> bool:
        """Whether the fact is one of somebody whom the person is tied to."""
        return bool(self.about) and self.kind != "relation"

    @property
    def is_identifier(self) -> bool:
        """Whether the fact should be one person's alone."""
        kind = VALUE_TYPES.get(self.kind)
        return (kind is not None and kind.identifier) or self.attribute in _UNIQUE

    def __post_init__(self) -> None:
        self.questions = (*filter(None, (self.question,)), *self.other_questions)
        other = () if self.other_answer is None else (self.other_answer,)
        self.answers = () if self.choice else (self.answer, *other, *self.wrong_answers)
        self.sentences = self.questions + self.answers


@dataclass(eq=False)
class Person:
    """One identity.

    Attributes:
        where: how to find it in the file, for people.
        image: path or bytes of the face; ``None`` where the dataset names none.
        record: as it was read, where it is an identity of our own.
        known: words that are spelled right, as the packs of the dataset say.
        language: of the dataset.
    """

    unique_id: str
    name: str
    gender: str | None
    where: str
    image: Path | bytes | None
    pairs: list[Pair]
    record: Mapping[str, Any] | None = None
    known: frozenset[str] = frozenset()
    language: Language = _ENGLISH

    @cached_property
    def facts(self) -> dict[str, Pair]:
        """Attribute -> the first pair that asks for it, of the person's own facts whose value is known."""
        facts: dict[str, Pair] = {}
        for pair in self.pairs:
            if pair.attribute is not None and pair.value is not None and not pair.is_of_another:
                facts.setdefault(pair.attribute, pair)
        return facts


@dataclass
class Target:
    """What is audited.

    Attributes:
        name: of the file or folder, without the path to it, which may name somebody's machine; or on the Hub.
        kind: ``dataset``, or the name of the adapter that reads it.
        people: call it to read everyone, from the first on.
        splits: split name -> unique ids; empty where the dataset has none.
        manifest, directory: of a dataset directory.
        others: of anything else.
    """

    name: str
    kind: str
    people: Callable[[], Iterator[Person]]
    splits: Mapping[str, frozenset[str]] = field(default_factory=dict)
    manifest: Mapping[str, Any] | None = None
    others: Others | None = None
    directory: Path | None = None

    @property
    def as_of(self) -> str | None:
        """The day on which everything has happened, where the dataset says so."""
        return self.manifest["config"]["as_of"] if self.manifest else None


# --- our identities -------------------------------------------------------------------------------------------------


def person_of(
    record: Mapping[str, Any], root: Path, known: frozenset[str] = frozenset(), language: Language = _ENGLISH
) -> Person:
    """An identity of our own, of the dataset in a folder."""
    return Person(
        record["unique_id"],
        record["name"],
        record["gender"],
        f"identity {record['index']} ({record['unique_id']})",
        None if record["image_path"] is None else root / record["image_path"],
        pairs_of(record),
        record,
        known,
        language,
    )


def pairs_of(record: Mapping[str, Any]) -> list[Pair]:
    """The questions of an identity of our own."""
    pairs = []
    for qa in record["qa_list"]:
        fact = record["profile"].get(qa["attribute"])
        stated, text = qa["value"], fact["text"] if fact else None
        words: Words = (
            qa["question"],
            qa["answer"],
            qa["paraphrased_question"],
            qa["paraphrased_answer"],
            qa["perturbed_answer"],
        )
        wrong = qa.get("perturbed_value")
        sourced, about = fact is not None, qa.get("about", "")
        pairs.append(
            Pair(
                qa["attribute"],
                qa["category"],
                stated["type"],
                stated["value"],
                text,
                sourced,
                *words,
                wrong,
                about=about,
            )
        )
    return pairs


# --- records of others ----------------------------------------------------------------------------------------------


def people_of(others: Others, known: frozenset[str] = frozenset()) -> Iterator[Person]:
    """People of a dataset in another's shape, whose packs know some words.

    Raises:
        DatasetError: a row has another shape than the first.
    """
    language = None
    for where, record, file in others.people():
        if language is None:
            language = language_of(str(qa.get("question")) for qa in record["qa_list"] if isinstance(qa, Mapping))
        place = file or others.name
        name, gender, image = (record.get(key) for key in ("name", "gender", "image"))
        pairs = enumerate(record["qa_list"], 1)
        yield Person(
            record["unique_id"],
            name if isinstance(name, str) else "",
            gender if isinstance(gender, str) else None,
            where,
            image if image or file is None else _image(file, record.get("image_path")),
            [_pair(qa, record, place, f"{where}, question {i}", language) for i, qa in pairs],
            known=known,
            language=language,
        )


def _pair(qa: object, record: Mapping[str, Any], path: object, where: str, language: Language) -> Pair:
    if not isinstance(qa, Mapping):
        raise misshapen(path, f"{where}: is no object")
    question, answer = _text(qa, "question", path, where), _text(qa, "answer", path, where)
    words: Words = (
        question,
        answer,
        _texts(qa, "paraphrased_question", path, where),
        _text(qa, "paraphrased_answer", path, where) if qa.get("paraphrased_answer") is not None else None,
        _texts(qa, "perturbed_answer", path, where),
    )
    by_name, choice = record.get("by_name") is True, qa.get("choice") is True
    if isinstance(qa.get("attribute"), str):
        return _labelled_pair(qa, record.get("raw_data"), words, by_name, choice, language)
    if by_name:
        question, answer = impersonal(question, answer)
    entry = asked_about(question)
    if entry is None:
        return Pair(None, "", "text", None, None, True, *words, None, by_name, choice)
    text = answer if choice else value_in(entry, answer)
    value = None if text is None else VALUE_TYPES[entry.type].parse(text)
    return Pair(entry.attribute, entry.category, entry.type, value, text, entry.sourced, *words, None, by_name, choice)


def _labelled_pair(
    qa: Mapping[str, Any], raw_data: object, words: Words, by_name: bool, choice: bool, language: Language
) -> Pair:
    """A pair that says itself what it asks about: of our own full.json, or of a release's table."""
    stated = qa.get("value")
    if isinstance(stated, Mapping):  # full.json
        kind, value = str(stated.get("type")), stated.get("value")
        found = _as_written(kind, value, words[1], language), _as_keyword(qa.get("keywords"), words[1])
        text = max(filter(None, found), key=len, default=None)
    else:
        kind, text = str(qa.get("value_type") or "text"), stated if isinstance(stated, str) else None
        value = None if text is None else _typed_text(kind, text, language)
    sourced = not isinstance(raw_data, Mapping) or qa["attribute"] in raw_data
    wrong = qa.get("perturbed_value")
    wrong = wrong if isinstance(wrong, list) and len(wrong) == len(words[-1]) else None
    about = str(qa.get("about") or "")
    return Pair(
        qa["attribute"], str(qa.get("category", "")), kind, value, text, sourced, *words, wrong, by_name, choice, about
    )


def _as_written(kind: str, value: Any, answer: str, language: Language) -> str | None:
    """The value as the answer words it."""
    try:
        return max(
            (text for text in VALUE_TYPES[kind].spoken(language).ways(value) if text in answer), key=len, default=None
        )
    except (AttributeError, KeyError, TypeError, ValueError):  # another's types
        return None


def _as_keyword(keywords: object, answer: str) -> str | None:
    """The value as the answer words it where that is another word, by a translation that is not at hand."""
    match keywords:
        case [str(keyword)] if keyword in answer:
            return keyword
    return None


@lru_cache(maxsize=1 << 12)
def _typed_text(kind: str, text: str, language: Language) -> Any:
    """A value as a table words it, in the JSON form of its type."""
    read = reader(kind, language, text)
    return text if read is None else read.parse(text)


def _image(file: Path, name: object) -> Path | None:
    """A path inside the dataset's folder; one that leaves it is not followed and counts as missing."""
    if not isinstance(name, str) or not name:
        return None
    inside = not PurePosixPath(name).is_absolute() and ".." not in PurePosixPath(name).parts and "\\" not in name
    return image_root(file, name) / name if inside else file.parent / "outside the dataset's folder"


def _text(row: Mapping[str, Any], key: str, path: object, where: str) -> str:
    value = row.get(key)
    if not isinstance(value, str):
        raise misshapen(path, f"{where}: {key!r} is {'missing' if value is None else f'{value!r:.60}'}, not text")
    return value


def _texts(row: Mapping[str, Any], key: str, path: object, where: str) -> list[str]:
    value = row.get(key)
    if value is None:
        return []
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise misshapen(path, f"{where}: {key!r} is no list of texts")
    return value
