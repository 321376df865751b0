"""Attribute packs: reading the YAML that declares attributes, and putting several packs together."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from importlib import resources
from pathlib import Path
from typing import Any

import schemas
from builder.expressions import Expression, compile_expression
from raw_sources.registry import SOURCES
from support.canonical import digest_of
from support.errors import PackError, did_you_mean
from support.yaml_file import load_yaml

#: Facts that every expression may read besides the pack's own.
AMBIENT = ("as_of",)
BUILT_IN = "built-in"

_GENDERED = re.compile(
    r"\b(?:he|him|his|himself|she|hers?|herself|m[ae]n|wom[ae]n|lady|ladies|gentlem[ae]n|boys?|girls?|mrs?|ms|miss)\b",
    re.IGNORECASE,
)
_PART = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_MOST_STEPS = 1 << 32  # what one drawn word can tell apart
#: What `perturb` may hold: distances and bounds for what lies on a number line, a pool of values for the rest.
_PERTURB_KEYS: Mapping[str, tuple[str, ...]] = {
    "address": ("within",),
    "code": (),
    "date": ("days", "not_before", "not_after"),
    "integer": ("by",),
    "money": ("percent",),
    "phone": (),
}
_POOL_KEYS = ("extra", "within")
_PLACEHOLDER = re.compile(r"\{(a )?([a-z][a-z0-9_]*)\}")


@dataclass(frozen=True)
class Origin:
    """Where values come from: a source's column, a weighted choice, a generator or an expression."""

    kind: str  # "from", "choose", "date", "integer", "money", "code", "words", "compute"
    options: Any = None
    expressions: tuple[Expression, ...] = ()

    @property
    def label(self) -> str:
        """How a fact's provenance names it."""
        return (
            str(self.options) if self.kind == "from" else {"choose": "choice"}.get(self.kind, f"generated:{self.kind}")
        )


@dataclass(frozen=True)
class Perturbation:
    """How wrong values are made from the true one (see ``builder/perturb.py``)."""

    extra: tuple[str, ...] = ()
    within: str | None = None
    distance: tuple[int, int] | None = None
    not_before: Expression | None = None
    not_after: Expression | None = None


@dataclass(frozen=True)
class Attribute:
    """One attribute: a fact of everyone's profile and, where it has phrasings, a question about it."""

    name: str
    category: str
    kind: str
    origin: Origin
    pack: str
    sensitivity: str = "low"
    cents: bool = True
    reserve: bool = False
    constraints: tuple[Expression, ...] = ()
    questions: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    caption: str | None = None
    keywords: str = "value"
    perturb: Perturbation = field(default_factory=Perturbation)
    description: str = ""

    @property
    def asked(self) -> bool:
        """Whether it can be asked about."""
        return bool(self.questions)

    def needs(self) -> list[str]:
        """Facts that its own value is made from, or checked against when it is drawn."""
        made_from = [n for e in self.origin.expressions for n in e.names]
        checked_with = [n for e in self.constraints for n in e.names if n != self.name]
        return [n for n in (*made_from, *checked_with) if n not in AMBIENT]

    def reads(self) -> Iterator[tuple[str, Expression]]:
        """Every expression with the place it stands in."""
        yield from (("value", e) for e in self.origin.expressions)
        yield from (("constraints", e) for e in self.constraints)
        for place in ("not_before", "not_after"):
            if expression := getattr(self.perturb, place):
                yield f"perturb.{place}", expression


@dataclass(frozen=True)
class Pack:
    """A pack as read: its attributes in order, caption paragraphs, and the document itself."""

    name: str
    file: str
    document: dict[str, Any]
    attributes: tuple[Attribute, ...]
    caption: tuple[tuple[str, ...], ...]

    @property
    def sha256(self) -> str:
        """Digest of the content: comments and layout of the file do not count."""
        return digest_of(self.document)


@dataclass(frozen=True)
class Attributes:
    """All packs of a build together, checked against each other."""

    packs: tuple[Pack, ...]
    by_name: dict[str, Attribute]
    order: tuple[str, ...]  # an order in which values can be made

    def asked(self, questions: int | None = None) -> list[Attribute]:
        """The attributes a build asks about, in order.

        ``questions`` counts within the built-in pack: its regular ones first, then its reserve; ``None`` means all
        regular ones. Every other pack's come on top.

        Raises:
            PackError: the built-in pack has fewer.
        """
        own = [a for a in self.by_name.values() if a.asked and a.pack == BUILT_IN]
        ranked = sorted(own, key=lambda a: a.reserve)
        count = sum(not a.reserve for a in ranked) if questions is None else questions
        if count > len(ranked):
            raise PackError(
                f"{count} questions are asked for, and the built-in pack has {len(ranked)}",
                where="--questions",
                hint="Declare more attributes in a pack of your own and name it with --attributes.",
            )
        return ranked[:count] + [a for a in self.by_name.values() if a.asked and not a.reserve and a.pack != BUILT_IN]


def read_packs(files: Sequence[Path] = ()) -> Attributes:
    """The built-in pack and the given ones, checked for everything that can be told without building.

    Raises:
        PackError: not readable, not valid by the schema, an unknown column or fact, a cycle, a name taken twice.
    """
    return combine([built_in(), *(parse_pack(load_yaml(file, PackError), file.name, str(file)) for file in files)])


def built_in() -> Pack:
    """The pack of the 20 questions (and a reserve) that ships with fiubench, written in the same language."""
    path = resources.files("builder.packs").joinpath("builtin.yaml")
    with resources.as_file(path) as file:
        return parse_pack(load_yaml(file, PackError), "builtin.yaml", "builtin.yaml")


def parse_pack(document: Any, file: str, where: str) -> Pack:
    """Check a pack's document against the schema and compile it. ``where`` names it in messages."""
    if not isinstance(document, dict):
        raise PackError("an attribute pack is a mapping with `pack` and `attributes`", where=where)
    for violation in schemas.violations("attribute_pack", document):
        raise PackError(
            f"{violation.path}: {violation.message}",
            where=_place(where, document, violation.location),
            hint=_schema_hint(violation, document),
        )
    entries = tuple(_attribute(entry, document["pack"], where) for entry in document["attributes"])
    caption = tuple(tuple(wordings) for wordings in document.get("caption", ()))
    return Pack(document["pack"], file, document, entries, caption)


def combine(packs: Sequence[Pack]) -> Attributes:
    """Put packs together.

    Raises:
        PackError: as :func:`read_packs`.
    """
    by_name: dict[str, Attribute] = {}
    seen_packs: set[str] = set()
    for pack in packs:
        if pack.name in seen_packs:
            raise PackError(
                f"two packs are called {pack.name!r}", where=pack.file, hint="Give one another `pack:` name."
            )
        seen_packs.add(pack.name)
        for attribute in pack.attributes:
            if attribute.name in by_name or attribute.name in AMBIENT:
                owner = f"the {by_name[attribute.name].pack} pack" if attribute.name in by_name else "every build"
                raise PackError(
                    f"attribute {attribute.name!r} is declared by {owner} already",
                    where=pack.file,
                    hint="Give it another name.",
                )
            by_name[attribute.name] = attribute
    for pack in packs:
        for attribute in pack.attributes:
            _check_references(attribute, by_name, f"{pack.file}: {attribute.name}")
        _check_caption(pack, by_name)
    return Attributes(tuple(packs), by_name, _order(by_name, {pack.name: pack.file for pack in packs}))


def placeholders(template: str) -> list[tuple[bool, str]]:
    """(with article, fact) for each placeholder of a caption template."""
    return [(bool(a), name) for a, name in _PLACEHOLDER.findall(template)]


def _order(by_name: dict[str, Attribute], files: Mapping[str, str]) -> tuple[str, ...]:
    try:
        return tuple(TopologicalSorter({name: a.needs() for name, a in by_name.items()}).static_order())
    except CycleError as error:
        path = " -> ".join(reversed(error.args[1]))
        raise PackError(
            f"facts that depend on each other in a circle: {path}",
            where=files[by_name[error.args[1][0]].pack],
            hint="Break the circle: at least one of them must not be computed from the others.",
        ) from error


def _check_references(attribute: Attribute, by_name: dict[str, Attribute], where: str) -> None:
    if attribute.origin.kind == "from":
        source, column = attribute.origin.options.split(".")
        if source not in SOURCES:
            raise PackError(f"unknown source {source!r}", where=where, hint=did_you_mean(source, SOURCES))
        columns = SOURCES[source].columns
        if column not in columns:
            raise PackError(
                f"source {source!r} has no column {column!r}", where=where, hint=did_you_mean(column, columns)
            )
        if columns[column] != attribute.kind:
            raise PackError(
                f"{source}.{column} holds {columns[column]}, not {attribute.kind}",
                where=where,
                hint=f"Write `type: {columns[column]}`.",
            )
    known = [*by_name, *AMBIENT]
    for place, expression in attribute.reads():
        for name in expression.names:
            if name not in known:
                raise PackError(
                    f"{place}: unknown fact {name!r} in {expression.source!r}",
                    where=where,
                    hint=did_you_mean(name, known),
                )
    if attribute.perturb.within is not None and attribute.perturb.within not in by_name:
        raise PackError(
            f"perturb.within: unknown fact {attribute.perturb.within!r}",
            where=where,
            hint=did_you_mean(attribute.perturb.within, by_name),
        )


def _check_caption(pack: Pack, by_name: dict[str, Attribute]) -> None:
    templates = [(wording, "caption") for paragraph in pack.caption for wording in paragraph]
    templates += [(a.caption, f"{a.name}.caption") for a in pack.attributes if a.caption]
    for template, place in templates:
        rest = _PLACEHOLDER.sub("", template)
        if "{" in rest or "}" in rest:
            raise PackError(
                f"{place}: a brace without a fact in {template!r}",
                where=pack.file,
                hint="Write {fact} or {a fact}.",
            )
        for _, name in placeholders(template):
            if name not in by_name:
                raise PackError(f"{place}: unknown fact {name!r}", where=pack.file, hint=did_you_mean(name, by_name))


def _attribute(entry: dict[str, Any], pack: str, where: str) -> Attribute:
    at = f"{where}: {entry['name']}"
    for phrasing in entry.get("answers", ()):
        if phrasing.startswith("{"):
            raise PackError(
                f"answer {phrasing!r} begins with the value",
                where=at,
                hint="Begin with a word, so that the value keeps its own capitals.",
            )
    if entry.get("keywords") == "parts" and entry["type"] != "address":
        raise PackError("`keywords: parts` is for addresses", where=at, hint="Leave `keywords` out.")
    told = [
        (p, word) for p in (*entry.get("questions", ()), *entry.get("answers", ())) if (word := _GENDERED.search(p))
    ]
    if told:
        raise PackError(
            f"{told[0][0]!r} gives the gender away with {told[0][1][0]!r}",
            where=at,
            hint="Write 'this person' instead.",
        )
    return Attribute(
        name=entry["name"],
        category=entry["category"],
        kind=entry["type"],
        origin=_origin(entry, at),
        pack=pack,
        sensitivity=entry.get("sensitivity", "low"),
        cents=entry.get("cents", True),
        reserve=entry.get("reserve", False),
        constraints=tuple(compile_expression(e, f"{at}: constraints") for e in entry.get("constraints", ())),
        questions=tuple(entry.get("questions", ())),
        answers=tuple(entry.get("answers", ())),
        caption=entry.get("caption"),
        keywords=entry.get("keywords", "value"),
        perturb=_perturbation(entry.get("perturb", {}), entry["type"], at),
        description=entry.get("description", ""),
    )


def _origin(entry: dict[str, Any], where: str) -> Origin:
    if "from" in entry:
        return Origin("from", entry["from"])
    if "choose" in entry:
        options = entry["choose"]
        return Origin("choose", options if isinstance(options, dict) else dict.fromkeys(options, 1))
    if "compute" in entry:
        return Origin("compute", None, (compile_expression(entry["compute"], f"{where}: compute"),))
    kind, options = next(iter(entry["generate"].items()))
    fitting = {"words": ("text", "name", "enum")}.get(kind, (kind,))
    if entry["type"] not in fitting:
        raise PackError(
            f"`generate: {kind}` makes {' or '.join(fitting)}, not {entry['type']}",
            where=where,
            hint=f"Write `type: {fitting[0]}`.",
        )
    if kind == "date":
        bounds = tuple(compile_expression(options[end], f"{where}: generate.date.{end}") for end in ("from", "to"))
        return Origin(kind, None, bounds)
    if kind in ("integer", "money"):
        _check_range(kind, options, where)
    if kind == "words":
        _check_words(options, where)
    return Origin(kind, options)


def _check_range(kind: str, options: dict[str, Any], where: str) -> None:
    low, high = options["min"], options["max"]
    if high < low:
        raise PackError(f"generate.{kind}: max {high} is less than min {low}", where=where)
    if (high - low) / options.get("step", 1 if kind == "integer" else 0.01) >= _MOST_STEPS:
        hint = "Narrow it, or give a larger `step`." if kind == "money" else "Narrow it."
        raise PackError(
            f"generate.{kind}: more than {_MOST_STEPS:,} values from {low} to {high}", where=where, hint=hint
        )


def _check_words(options: dict[str, Any], where: str) -> None:
    template, lists = options["template"], [key for key in options if key != "template"]
    named = _PART.findall(template)
    for name in named:
        if name not in lists:
            raise PackError(
                f"generate.words: the template's {{{name}}} has no list",
                where=where,
                hint=f"Add `{name}: [..]` beside `template`.",
            )
    for name in lists:
        if name not in named:
            raise PackError(
                f"generate.words: the template has no {{{name}}}", where=where, hint="Use the list, or leave it out."
            )
    for text in (_PART.sub("", template), *(word for name in lists for word in options[name])):
        if "{" in text or "}" in text:
            raise PackError(
                f"generate.words: a brace that is no placeholder in {text!r}",
                where=where,
                hint="Write {part} in the template, where `part` is one of the lists beside it.",
            )


def _perturbation(entry: dict[str, Any], kind: str, where: str) -> Perturbation:
    fitting = _PERTURB_KEYS.get(kind, _POOL_KEYS)
    for key in entry:
        if key not in fitting:
            raise PackError(
                f"perturb.{key} does nothing for the type {kind}",
                where=where,
                hint=f"For {kind} there is: {', '.join(fitting)}." if fitting else "Leave `perturb` out.",
            )
    distance = next((tuple(entry[key]) for key in ("days", "percent", "by") if key in entry), None)
    if distance and distance[1] < distance[0]:
        raise PackError(f"perturb: the range {list(distance)} ends before it begins", where=where)
    bounds = {
        k: compile_expression(entry[k], f"{where}: perturb.{k}") for k in ("not_before", "not_after") if k in entry
    }
    return Perturbation(extra=tuple(entry.get("extra", ())), within=entry.get("within"), distance=distance, **bounds)


def _place(where: str, document: dict[str, Any], location: tuple[str | int, ...]) -> str:
    match location:
        case ("attributes", int(number), *_):
            entry = document["attributes"][number]
            name = entry.get("name") if isinstance(entry, dict) else None
            return f"{where}: {name or f'attribute {number + 1}'}"
    return where


def _schema_hint(violation: schemas.Violation, document: dict[str, Any]) -> str:
    if violation.keyword in ("additionalProperties", "unevaluatedProperties"):
        holder: Any = document
        for step in violation.location:
            holder = holder[step]
        known = _known_keys(violation.location)
        unknown = [key for key in holder if key not in known]
        if unknown:
            return did_you_mean(unknown[0], known)
    if violation.location[-1:] == ("choose",) or violation.message.endswith('is not of type "string"'):
        return "YAML reads yes, no, on, off as truth values, and 1990 as a number: put such words in quotes."
    if violation.keyword == "oneOf":
        return "Give exactly one of `from`, `choose`, `generate`, `compute`."
    if violation.location[-2:-1] == ("questions",):
        return "A question ends in a question mark and holds no placeholder."
    if violation.location[-2:-1] == ("answers",):
        return "An answer is a sentence with {value} (or {a value}) once, ending in a full stop."
    return "`fiubench attributes check FILE` tells whether a pack is right."


def _known_keys(location: tuple[str | int, ...]) -> Mapping[str, Any]:
    """The properties that the schema has at a place of a pack."""
    schema = schemas.load("attribute_pack")
    here = schema["$defs"]["attribute"] if location[:1] == ("attributes",) else schema
    for step in location[2:]:
        here = here["properties"][step]
    known: Mapping[str, Any] = here["properties"]
    return known
