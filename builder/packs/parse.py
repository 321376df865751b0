"""From a pack's document to its attributes: the schema, and what a schema can't say about a single entry."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fiubench.builder.languages.base import ENGLISH, LANGUAGES, Language
from fiubench.builder.packs.choice import parse_choice, resolved
from fiubench.builder.packs.expressions import compile_expression
from fiubench.builder.packs.keywords import compile_variants
from fiubench.builder.packs.model import (
    Attribute,
    Origin,
    Pack,
    Perturbation,
    Phrased,
    Place,
    articles,
    without,
    without_value,
)
from fiubench.builder.values.base import VALUE_TYPES, ValueType
from fiubench.support.errors import PackError, did_you_mean

from fiubench import schemas


def _add_types(document: dict[str, Any]) -> None:
    """What the registered value types add to the schema of packs."""
    attribute = document["$defs"]["attribute"]["properties"]
    attribute["type"] = {"enum": sorted(VALUE_TYPES)}
    for entry in VALUE_TYPES.values():
        attribute |= entry.options
        if entry.generator:
            attribute["generate"]["properties"][entry.generator] = entry.generator_options


schemas.complete("attribute_pack", _add_types)


def parse_pack(document: Any, file: str, path: Path | None = None) -> Pack:
    """Check a pack's document against the schema and compile it.

    Args:
        document: the content.
        file: its name.
        path: where it lies; ``None``: its content is all that there is.

    Raises:
        PackError: it is not valid, or the values that it names can't be used.
    """
    where = Place(str(path or file), known=path is not None)
    if not isinstance(document, dict):
        hint = "docs/attributes.md shows one, and `fiubench attributes check FILE` checks it."
        raise PackError(
            "an attribute pack is a mapping with `pack` and `attributes` or `phrasings`", where=where, hint=hint
        )
    if (violation := _first(document)) is not None:
        raise PackError(
            f"{violation.path}: {violation.message}",
            where=_place(where, document, (*violation.location, *_unknown(violation, document)[:1])),
            hint=_schema_hint(violation, document),
        )
    language = LANGUAGES.find(document.get("language", ENGLISH), where.at("language"))
    places = [where.at("attributes", i, name=entry["name"]) for i, entry in enumerate(document.get("attributes", ()))]
    if path is not None and places:
        listed = zip(document["attributes"], places, strict=True)
        document = {**document, "attributes": [resolved(entry, path.parent, at) for entry, at in listed]}
    entries = tuple(
        _attribute(entry, document, language, at)
        for entry, at in zip(document.get("attributes", ()), places, strict=True)
    )
    caption = tuple(tuple(paragraph) for paragraph in document.get("caption", ()))
    phrasings = {}
    for name, entry in document.get("phrasings", {}).items():
        at = where.at("phrasings", name, name=f"phrasings: {name}")
        _check_phrasings(entry, language, at, document.get("words", ()))
        phrasings[name] = Phrased(**_worded(entry, at), caption=entry.get("caption"))
    return Pack(
        document["pack"], file, document, entries, caption, phrasings, document.get("shared", {}), language, where
    )


def _worded(entry: Mapping[str, Any], at: Place) -> dict[str, Any]:
    """What an attribute, or what a pack adds to one, says about words."""
    values, genders = entry.get("values", {}), entry.get("genders", {})
    for value, word in values.items():
        first = next(other for other, same in values.items() if same == word)
        if first != value:
            what = f"values: {first!r} and {value!r} are both {word!r}"
            raise PackError(what, where=at.at("values", value, name=""), hint="Give each a word of its own.")
    listed = [noun for nouns in genders.values() for noun in nouns]
    if twice := next((noun for noun in listed if listed.count(noun) > 1), None):
        raise PackError(f"genders: {twice!r} has two", where=at.at("genders", name=""), hint="List each noun once.")
    return {
        "questions": tuple(entry.get("questions", ())),
        "answers": tuple(entry.get("answers", ())),
        "values": values,
        "genders": {noun: gender for gender, nouns in genders.items() for noun in nouns},
        "variants": compile_variants(entry.get("variants", {}), at.at("variants", name="")),
    }


def _attribute(entry: dict[str, Any], document: Mapping[str, Any], language: Language, at: Place) -> Attribute:
    _check_phrasings(entry, language, at, document.get("words", ()))
    kind = VALUE_TYPES[entry["type"]].spoken(language)
    if entry.get("keywords") == "parts" and type(kind).keyword_parts is ValueType.keyword_parts:
        what = f"`keywords: parts` does nothing for the type {kind.name}, whose values have no parts"
        raise PackError(what, where=at.at("keywords", name=""), hint="Leave `keywords` out.")
    others = {key for other in VALUE_TYPES.values() for key in other.options} - kind.options.keys()
    for key in sorted(others & entry.keys()):
        raise PackError(
            f"`{key}` does nothing for the type {kind.name}", where=at.at(key, name=""), hint=f"Leave `{key}` out."
        )
    return Attribute(
        name=entry["name"],
        category=entry["category"],
        kind=kind.name,
        origin=_origin(entry, kind, at),
        pack=document["pack"],
        sensitivity=entry.get("sensitivity", "low"),
        options={key: entry[key] for key in kind.options if key in entry},
        reserve=entry.get("reserve", False),
        constraints=tuple(
            compile_expression(constraint, at.at("constraints", i))
            for i, constraint in enumerate(entry.get("constraints", ()))
        ),
        caption=entry.get("caption"),
        keywords=entry.get("keywords", "value"),
        perturb=_perturbation(entry, kind, at),
        description=entry.get("description", ""),
        language=language,
        where=at,
        **_worded(entry, at),
    )


def _check_phrasings(entry: Mapping[str, Any], language: Language, where: Place, words: Sequence[str]) -> None:
    marks = {"questions": language.question_mark, "answers": language.full_stop}
    for key, mark in marks.items():
        for i, phrasing in enumerate(entry.get(key, ())):
            at = where.at(key, i, name="")
            if foreign := language.foreign(without(without_value(phrasing), words)):
                hint = f"Write it in {language.name}, say the pack's `language`, or list its names below `words`."
                raise PackError(f"{phrasing!r} is in {foreign}, the pack in {language.name}", where=at, hint=hint)
            if not phrasing.endswith(mark):
                hint = _QUESTION if key == "questions" else _ANSWER
                raise PackError(f"{phrasing!r} does not end in {mark!r}", where=at, hint=hint)
            if word := language.gendered.search(phrasing):
                hint = f"Write {language.person!r} instead."
                raise PackError(f"{phrasing!r} gives the gender away with {word[0]!r}", where=at, hint=hint)
    for i, phrasing in enumerate(entry.get("answers", ())):
        at = where.at("answers", i, name="")
        if phrasing.startswith("{") and language.capitals:
            hint = "Begin with a word, so that the value keeps its own capitals."
            raise PackError(f"answer {phrasing!r} begins with the value", where=at, hint=hint)
        if (wanted := articles(phrasing)[0]) and wanted not in language.articles:
            known = "".join(f" or {{{article} value}}" for article in language.articles)
            what = f"{language.name} has no article {wanted!r} for {phrasing!r}"
            raise PackError(what, where=at, hint=f"Write {{value}}{known}.")


def _origin(entry: dict[str, Any], kind: ValueType, where: Place) -> Origin:
    if "from" in entry:
        return Origin("from", entry["from"])
    if "choose" in entry:
        return Origin("choose", *parse_choice(entry["choose"], kind, where))
    if "through" in entry:
        return Origin("through", entry["through"])
    if "compute" in entry:
        return Origin("compute", None, (compile_expression(entry["compute"], where.at("compute")),))
    name, options = next(iter(entry["generate"].items()))
    fitting = [kind.name for kind in VALUE_TYPES.values() if kind.generator == name]
    if entry["type"] not in fitting:
        raise PackError(
            f"`generate: {name}` makes {' or '.join(fitting)}, not {entry['type']}",
            where=where.at("generate", name=""),
            hint=f"Write `type: {fitting[0]}`.",
        )
    kind.check_options(options, where.at("generate", name, name=""))
    written = {key: entry[key] for key in kind.options if key in entry}
    kind.check_written(options, written, where.at("generate", name, name=""))
    given = [key for key in kind.expressions if key in options]
    return Origin(
        name, options, tuple(compile_expression(options[key], where.at("generate", name, key)) for key in given)
    )


def _perturbation(entry: dict[str, Any], kind: ValueType, where: Place) -> Perturbation:
    given = entry.get("perturb", {})
    if "distance" in given and not kind.ordered:
        what = f"perturb.distance does nothing for the type {kind.name}, whose values have no order"
        raise PackError(what, where=where.at("perturb", "distance", name=""), hint="Leave `distance` out.")
    if "distance" in given and "choose" in entry:
        what = "perturb.distance does nothing for `choose`, whose values are drawn by their weights alone"
        raise PackError(what, where=where.at("perturb", "distance", name=""), hint="Leave `distance` out.")
    if "within" in given and not {"from", "compute"} & entry.keys():
        what = "perturb.within does nothing where values are not taken from a source or computed"
        raise PackError(what, where=where.at("perturb", "within", name=""), hint="Leave `within` out.")
    return Perturbation(tuple(given.get("extra", ())), given.get("within"), given.get("distance"))


def _first(document: dict[str, Any]) -> schemas.Violation | None:
    """What is wrong with a document first; a key that is none before the one that it should be, which is missing."""
    found = list(schemas.violations("attribute_pack", document))
    if not found:
        return None
    there = [violation for violation in found if violation.location == found[0].location]
    return next((violation for violation in there if violation.keyword in _UNKNOWN), found[0])


def _unknown(violation: schemas.Violation, document: dict[str, Any]) -> list[str]:
    """The keys that a place of a document should not have."""
    given = _at(document, violation.location)
    if violation.keyword not in _UNKNOWN:
        return []
    known = _known_keys(violation.location, given)
    return [key for key in given if key not in known]


def _at(document: Any, location: tuple[str | int, ...]) -> Any:
    for step in location:
        document = document[step]
    return document


def _place(where: Place, document: dict[str, Any], location: tuple[str | int, ...]) -> Place:
    match location:
        case ("attributes", int(number), *rest):
            entry = document["attributes"][number]
            name = entry.get("name") if isinstance(entry, dict) else None
            return where.at("attributes", number, name=name or f"attribute {number + 1}").at(*rest, name="")
    return where.at(*location, name="")


def _schema_hint(violation: schemas.Violation, document: dict[str, Any]) -> str:
    given = _at(document, violation.location)
    if unknown := _unknown(violation, document):
        known = _known_keys(violation.location, given)
        return did_you_mean(unknown[0], known) + (_DROPPED_HINT if unknown[0] in _DROPPED else "")
    if violation.message.endswith('is not of type "string"'):
        return _QUOTES
    *_, parent, place = ("", "", *violation.location)
    hint = _DESCRIBED
    if place == "type":
        hint = f"{did_you_mean(str(given), VALUE_TYPES)} A type of your own is loaded with --plugin FILE.py."
    elif violation.keyword == "oneOf":
        hint = "Give exactly one of `from`, `choose`, `generate`, `compute`, `through`."
    elif parent in ("questions", "answers"):
        hint = _QUESTION if parent == "questions" else _ANSWER
    elif violation.keyword not in ("required", "enum") and {"choose", "of"} & {*violation.location}:
        hint = f"A list of two or more different words, or `word: weight` with weights above 0. {_QUOTES}"
    return hint


_UNKNOWN = ("additionalProperties", "unevaluatedProperties")  # by which a schema refuses a key
#: Keys that ``perturb`` had before wrong answers were drawn as the true ones are.
_DROPPED = ("days", "percent", "by", "points", "not_before", "not_after")
_DROPPED_HINT = (
    " Remove the key: wrong values are drawn as the true ones are. `distance: near`, `medium` or `far` says how far "
    "apart they lie, and a constraint says what must hold of them."
)
#: How the schema describes what a manifest adds to a pack.
_KEPT = "In a manifest"
_DESCRIBED = "docs/attributes.md describes each key."
_QUOTES = "YAML reads yes, no, on, off as truth values, and 1990 as a number: put such words in quotes."
_QUESTION = "A question ends in a question mark and holds no placeholder."
_ANSWER = "An answer is a sentence with {value} (or {a value}) once, ending in a full stop."


def _form(choice: Any) -> str | None:
    """The definition of the schema that a choice is meant to follow, where that can be seen."""
    keys = [key for key in ("file", "faker", "by") if isinstance(choice, dict) and isinstance(choice.get(key), str)]
    return f"choose_{keys[0]}" if keys else None


def _known_keys(location: tuple[str | int, ...], given: Any) -> Mapping[str, Any]:
    """The properties that the schema has at a place of a pack."""
    schema = schemas.load("attribute_pack")
    if form := location[-1:] == ("choose",) and _form(given):
        keys: Mapping[str, Any] = schema["$defs"][form]["properties"]
        return {key: entry for key, entry in keys.items() if not entry.get("description", "").startswith(_KEPT)}
    if location[:1] == ("phrasings",):
        added: Mapping[str, Any] = schema["properties"]["phrasings"]["additionalProperties"]["properties"]
        return added
    here = schema["$defs"]["attribute"] if location[:1] == ("attributes",) else schema
    for step in location[2:]:
        here = here["properties"].get(step) or here["additionalProperties"]
        here = here.get("then", here)
    known: Mapping[str, Any] = here["properties"]
    return known
