"""From a pack's document to its attributes: the schema, and what a schema can't say about a single entry."""

import re
from collections.abc import Mapping
from typing import Any

from fiubench.builder.packs.expressions import compile_expression
from fiubench.builder.packs.keywords import compile_variants
from fiubench.builder.packs.model import Attribute, Origin, Pack, Perturbation, Phrased
from fiubench.builder.values.base import VALUE_TYPES, ValueType
from fiubench.support.errors import PackError, did_you_mean

from fiubench import schemas

GENDERED = re.compile(
    r"\b(?:he|him|his|himself|she|hers?|herself|m[ae]n|wom[ae]n|lady|ladies|gentlem[ae]n|boys?|girls?|mrs?|ms|miss)\b",
    re.IGNORECASE,
)


def _add_types(document: dict[str, Any]) -> None:
    """What the registered value types add to the schema of packs."""
    attribute = document["$defs"]["attribute"]["properties"]
    attribute["type"] = {"enum": sorted(VALUE_TYPES)}
    for entry in VALUE_TYPES.values():
        attribute |= entry.options
        if entry.generator:
            attribute["generate"]["properties"][entry.generator] = entry.generator_options


schemas.complete("attribute_pack", _add_types)


def parse_pack(document: Any, file: str, where: str) -> Pack:
    """Check a pack's document against the schema and compile it. ``where`` names it in messages."""
    if not isinstance(document, dict):
        hint = "docs/attributes.md shows one, and `fiubench attributes check FILE` checks it."
        raise PackError(
            "an attribute pack is a mapping with `pack` and `attributes` or `phrasings`", where=where, hint=hint
        )
    for violation in schemas.violations("attribute_pack", document):
        raise PackError(
            f"{violation.path}: {violation.message}",
            where=_place(where, document, violation.location),
            hint=_schema_hint(violation, document),
        )
    entries = tuple(_attribute(entry, document["pack"], where) for entry in document.get("attributes", ()))
    caption = tuple(tuple(paragraph) for paragraph in document.get("caption", ()))
    phrasings = {}
    for name, entry in document.get("phrasings", {}).items():
        _check_phrasings(entry, f"{where}: phrasings: {name}")
        phrasings[name] = Phrased(tuple(entry.get("questions", ())), tuple(entry.get("answers", ())))
    return Pack(document["pack"], file, document, entries, caption, phrasings)


def _attribute(entry: dict[str, Any], pack: str, where: str) -> Attribute:
    at = f"{where}: {entry['name']}"
    _check_phrasings(entry, at)
    kind = VALUE_TYPES[entry["type"]]
    if entry.get("keywords") == "parts" and type(kind).keyword_parts is ValueType.keyword_parts:
        what = f"`keywords: parts` does nothing for the type {kind.name}, whose values have no parts"
        raise PackError(what, where=at, hint="Leave `keywords` out.")
    others = {key for other in VALUE_TYPES.values() for key in other.options} - kind.options.keys()
    for key in sorted(others & entry.keys()):
        raise PackError(f"`{key}` does nothing for the type {kind.name}", where=at, hint=f"Leave `{key}` out.")
    return Attribute(
        name=entry["name"],
        category=entry["category"],
        kind=kind.name,
        origin=_origin(entry, at),
        pack=pack,
        sensitivity=entry.get("sensitivity", "low"),
        options={key: entry[key] for key in kind.options if key in entry},
        reserve=entry.get("reserve", False),
        constraints=tuple(compile_expression(e, f"{at}: constraints") for e in entry.get("constraints", ())),
        questions=tuple(entry.get("questions", ())),
        answers=tuple(entry.get("answers", ())),
        caption=entry.get("caption"),
        keywords=entry.get("keywords", "value"),
        variants=compile_variants(entry.get("variants", {}), at),
        perturb=_perturbation(entry, kind, at),
        description=entry.get("description", ""),
    )


def _check_phrasings(entry: Mapping[str, Any], where: str) -> None:
    for phrasing in entry.get("answers", ()):
        if phrasing.startswith("{"):
            raise PackError(
                f"answer {phrasing!r} begins with the value",
                where=where,
                hint="Begin with a word, so that the value keeps its own capitals.",
            )
    for phrasing in (*entry.get("questions", ()), *entry.get("answers", ())):
        if word := GENDERED.search(phrasing):
            raise PackError(
                f"{phrasing!r} gives the gender away with {word[0]!r}",
                where=where,
                hint="Write 'this person' instead.",
            )


def _origin(entry: dict[str, Any], where: str) -> Origin:
    if "from" in entry:
        return Origin("from", entry["from"])
    if "choose" in entry:
        options = entry["choose"]
        # A mapping has no order (a manifest sorts it), so the draw must not depend on the one it was written in.
        return Origin(
            "choose", dict(sorted(options.items())) if isinstance(options, dict) else dict.fromkeys(options, 1)
        )
    if "compute" in entry:
        return Origin("compute", None, (compile_expression(entry["compute"], f"{where}: compute"),))
    name, options = next(iter(entry["generate"].items()))
    fitting = [kind.name for kind in VALUE_TYPES.values() if kind.generator == name]
    if entry["type"] not in fitting:
        raise PackError(
            f"`generate: {name}` makes {' or '.join(fitting)}, not {entry['type']}",
            where=where,
            hint=f"Write `type: {fitting[0]}`.",
        )
    kind = VALUE_TYPES[entry["type"]]
    kind.check_options(options, where)
    given = [key for key in kind.expressions if key in options]
    return Origin(
        name, options, tuple(compile_expression(options[key], f"{where}: generate.{name}.{key}") for key in given)
    )


def _perturbation(entry: dict[str, Any], kind: ValueType, where: str) -> Perturbation:
    given = entry.get("perturb", {})
    if "distance" in given and not kind.ordered:
        what = f"perturb.distance does nothing for the type {kind.name}, whose values have no order"
        raise PackError(what, where=where, hint="Leave `distance` out.")
    if "distance" in given and "choose" in entry:
        what = "perturb.distance does nothing for `choose`, whose values are drawn by their weights alone"
        raise PackError(what, where=where, hint="Leave `distance` out.")
    if "within" in given and not {"from", "compute"} & entry.keys():
        what = "perturb.within does nothing where values are not taken from a source or computed"
        raise PackError(what, where=where, hint="Leave `within` out.")
    return Perturbation(tuple(given.get("extra", ())), given.get("within"), given.get("distance"))


def _place(where: str, document: dict[str, Any], location: tuple[str | int, ...]) -> str:
    match location:
        case ("attributes", int(number), *_):
            entry = document["attributes"][number]
            name = entry.get("name") if isinstance(entry, dict) else None
            return f"{where}: {name or f'attribute {number + 1}'}"
    return where


def _schema_hint(violation: schemas.Violation, document: dict[str, Any]) -> str:
    given: Any = document
    for step in violation.location:
        given = given[step]
    if violation.keyword in ("additionalProperties", "unevaluatedProperties"):
        known = _known_keys(violation.location)
        if unknown := [key for key in given if key not in known]:
            return did_you_mean(unknown[0], known) + (_DROPPED_HINT if unknown[0] in _DROPPED else "")
    if violation.message.endswith('is not of type "string"'):
        return _QUOTES
    *_, parent, place = ("", "", *violation.location)
    if parent in ("questions", "answers"):
        return _QUESTION if parent == "questions" else _ANSWER
    if place == "choose":
        return f"A list of two or more different words, or `word: weight` with weights above 0. {_QUOTES}"
    if violation.keyword == "oneOf":
        return "Give exactly one of `from`, `choose`, `generate`, `compute`."
    of_type = f"{did_you_mean(str(given), VALUE_TYPES)} A type of your own is loaded with --plugin FILE.py."
    return of_type if place == "type" else "docs/attributes.md describes each key."


#: Keys that ``perturb`` had before wrong answers were drawn as the true ones are.
_DROPPED = ("days", "percent", "by", "points", "not_before", "not_after")
_DROPPED_HINT = (
    " Remove the key: wrong values are drawn as the true ones are. `distance: near`, `medium` or `far` says how far "
    "apart they lie, and a constraint says what must hold of them."
)
_QUOTES = "YAML reads yes, no, on, off as truth values, and 1990 as a number: put such words in quotes."
_QUESTION = "A question ends in a question mark and holds no placeholder."
_ANSWER = "An answer is a sentence with {value} (or {a value}) once, ending in a full stop."


def _known_keys(location: tuple[str | int, ...]) -> Mapping[str, Any]:
    """The properties that the schema has at a place of a pack."""
    schema = schemas.load("attribute_pack")
    if location[:1] == ("phrasings",):
        added: Mapping[str, Any] = schema["properties"]["phrasings"]["additionalProperties"]["properties"]
        return added
    here = schema["$defs"]["attribute"] if location[:1] == ("attributes",) else schema
    for step in location[2:]:
        here = here["properties"][step]
    known: Mapping[str, Any] = here["properties"]
    return known
