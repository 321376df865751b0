"""Attribute packs: reading the YAML files that declare attributes, and putting several packs together."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from importlib import resources
from pathlib import Path
from typing import Any

from fiubench.builder.languages.base import ENGLISH, LANGUAGES, Language
from fiubench.builder.packs.model import (
    AMBIENT,
    BUILT_IN,
    RELATION,
    Attribute,
    Attributes,
    Pack,
    Perturbation,
    Phrased,
    Place,
    placeholders,
)
from fiubench.builder.packs.parse import parse_pack
from fiubench.builder.packs.tables import DeclaredTable, read_tables, tables_of
from fiubench.raw_sources.source import SOURCES, Source
from fiubench.support.errors import PackError, did_you_mean
from fiubench.support.yaml_file import load_yaml

from fiubench import schemas


def read_packs(files: Sequence[Path] = (), tables: Sequence[Path] = (), language: str = "") -> Attributes:
    """The built-in pack and the given ones, checked for everything that shows without building.

    Args:
        files: the packs.
        tables: YAML files that declare tables whose columns they may name.
        language: what the built-in pack asks in; empty: what the first of the given ones does.

    Raises:
        PackError: not readable, not valid by the schema, an unknown column or fact, a cycle, a name taken twice.
    """
    packs = [parse_pack(load_yaml(file, PackError), file.name, file) for file in files]
    code = language or next((pack.language.code for pack in packs), ENGLISH)
    family = LANGUAGES[code].family
    translated = [_shipped(f"builtin_{family}.yaml")] if family in shipped_languages() and family != ENGLISH else []
    attributes = combine([built_in(), *translated, *packs], read_tables(tables))
    own = attributes.language
    if own.family != family or language not in ("", own.code):
        name = LANGUAGES[code].name
        hint = f"Name a pack with `language: {code}` and `phrasings` for every attribute of the built-in pack."
        if own.family == family:
            hint = f"Write --language {own.code}; a pack of your own may say `language: {code}` all the same."
        raise PackError(f"the built-in pack does not ask in {name}", where=f"--language {code}", hint=hint)
    return attributes


def packs_of(manifest: Mapping[str, Any]) -> Attributes:
    """The packs of a dataset, as its manifest keeps them, without keys of ``perturb`` of earlier versions."""
    documents = [(_without_earlier_keys(each["content"]), each["file"]) for each in manifest["packs"]]
    return combine([parse_pack(document, file) for document, file in documents], tables_of(manifest))


def _without_earlier_keys(document: Mapping[str, Any]) -> dict[str, Any]:
    known = schemas.load("attribute_pack")["$defs"]["attribute"]["properties"]["perturb"]["properties"]

    def mended(entry: Any) -> Any:
        perturb = entry.get("perturb") if isinstance(entry, dict) else None
        if not isinstance(perturb, dict):
            return entry  # what is wrong with it is told when it is parsed
        return {**entry, "perturb": {key: value for key, value in perturb.items() if key in known}}

    attributes = document.get("attributes")
    return {**document, "attributes": [*map(mended, attributes)]} if isinstance(attributes, list) else dict(document)


def built_in() -> Pack:
    """The pack of the 20 questions (and a reserve) that ships with fiubench, written in the same language."""
    return _shipped("builtin.yaml")


def shipped_languages() -> list[str]:
    """The languages that the built-in pack can ask in."""
    shipped = resources.files("fiubench.builder.packs")
    return [code for code in LANGUAGES if code == ENGLISH or shipped.joinpath(f"builtin_{code}.yaml").is_file()]


def _shipped(name: str) -> Pack:
    path = resources.files("fiubench.builder.packs").joinpath(name)
    with resources.as_file(path) as file:
        return parse_pack(load_yaml(file, PackError), name)


def combine(packs: Sequence[Pack], tables: Mapping[str, DeclaredTable] = {}) -> Attributes:
    """Put packs together, and with the tables that they may name, checked as :func:`read_packs` does."""
    sources: dict[str, Source] = {**SOURCES, **tables}
    by_name: dict[str, Attribute] = {}
    seen_packs: set[str] = set()
    for pack in packs:
        if pack.name in seen_packs:
            raise PackError(
                f"two packs are called {pack.name!r}",
                where=pack.where.at("pack", name=""),
                hint="Give one another `pack:` name.",
            )
        seen_packs.add(pack.name)
        for attribute in pack.attributes:
            if attribute.name in by_name or attribute.name in AMBIENT:
                owner = f"the {by_name[attribute.name].pack} pack" if attribute.name in by_name else "every build"
                raise PackError(
                    f"attribute {attribute.name!r} is declared by {owner} already",
                    where=pack.where.at(*attribute.where.location, "name", name=""),
                    hint="Give it another name.",
                )
            by_name[attribute.name] = attribute
    for pack in packs:
        for name, added in pack.phrasings.items():
            by_name[name] = _with_more(by_name, name, added, pack)
    for pack in packs:
        _check_pack(pack, by_name, sources)
    _check_kinds(by_name)
    order = _order(by_name)
    attributes = Attributes(tuple(packs), by_name, order, tables)
    _check_language(attributes)
    for pack in packs:
        for attribute in pack.attributes:
            if attribute.perturb.distance and attribute.origin.kind == "compute":
                _check_distance(attributes, attribute)
    return attributes


def _check_pack(pack: Pack, by_name: dict[str, Attribute], sources: Mapping[str, Source]) -> None:
    """Check what a pack names beyond itself; what goes through a relation is written as the fact that it leads to."""
    for attribute in pack.attributes:
        _check_references(attribute, by_name, sources)
        _check_words(by_name[attribute.name])
        by_name[attribute.name] = _resolved(by_name[attribute.name], by_name)
    _check_caption(pack, by_name)
    for name in pack.shared:
        _check_shared(name, by_name, sources, pack.where.at("shared", name, name=f"shared: {name}"))


def _check_distance(attributes: Attributes, attribute: Attribute) -> None:
    if drawn := sorted(attributes.made_from[attribute.name] & attributes.drawn):
        raise PackError(
            f"perturb.distance does nothing for what is computed from generated or chosen facts ({', '.join(drawn)})",
            where=attribute.where.at("perturb", "distance", name=""),
            hint=f"Leave `distance` out: wrong values are computed from other draws of {' and '.join(drawn)}.",
        )


def _with_more(by_name: Mapping[str, Attribute], name: str, added: Phrased, pack: Pack) -> Attribute:
    """An attribute with another pack's phrasings after its own, or, in another language, in their place."""
    where = pack.where.at("phrasings", name, name=f"phrasings: {name}")
    _check_known(name, by_name, f"no pack declares an attribute {name!r}", where)
    attribute = by_name[name]
    if attribute.language.family != pack.language.family:
        return _translated(attribute, added, pack.language, where)
    if not attribute.asked:
        raise PackError("the attribute is not asked about", where=where, hint="Leave its phrasings out.")
    for phrasing in (*added.questions, *added.answers):
        if phrasing in (*attribute.questions, *attribute.answers):
            raise PackError(f"{phrasing!r} is there already", where=where, hint="Leave it out.")
    return replace(
        attribute,
        questions=attribute.questions + added.questions,
        answers=attribute.answers + added.answers,
        values={**attribute.values, **added.values},
        genders={**attribute.genders, **added.genders},
        variants=attribute.variants + added.variants,
        caption=added.caption or attribute.caption,
    )


def _translated(attribute: Attribute, added: Phrased, language: Language, where: Place) -> Attribute:
    """An attribute in another language."""
    for key, fewest, there in (("questions", 4, added.questions), ("answers", 2, added.answers)):
        if attribute.asked and len(there) < fewest:
            what = f"{len(there)} {key} in {language.name}, which take the place of those in {attribute.language.name}"
            raise PackError(what, where=where, hint=f"Give {fewest} or more.")
    words = {key: getattr(added, key) for key in ("questions", "answers", "values", "genders", "variants", "caption")}
    return replace(attribute, language=language, **words)


def _check_words(attribute: Attribute) -> None:
    """Refuse words for what is no word, and genders that the language has not."""
    if attribute.values and attribute.type.json_type.get("type") != "string":
        what = f"`values` does nothing for the type {attribute.kind}, whose values are no words"
        raise PackError(what, where=attribute.where, hint="Leave `values` out.")
    language = attribute.language
    for gender in attribute.genders.values():
        if gender not in language.genders:
            hint = did_you_mean(gender, language.genders) if language.genders else "Leave `genders` out."
            raise PackError(f"genders: {language.name} has no gender {gender!r}", where=attribute.where, hint=hint)


def _check_language(attributes: Attributes) -> None:
    """Refuse questions, and captions of attributes, in two languages."""
    worded = [attribute for attribute in attributes.by_name.values() if attribute.asked or attribute.caption]
    language = attributes.language
    for attribute in worded:
        if attribute.language.family != language.family:
            own, does = attribute.language, "asks" if attribute.asked else "has its caption"
            what = f"{does} in {own.name} ({own.code}), and the built-in pack in {language.name} ({language.code})"
            hint = f"Give it `phrasings` in {language.name}, in a pack with `language: {language.code}`."
            if attribute.pack == BUILT_IN:
                hint = f"Give `phrasings` in {language.name} to every attribute of the built-in pack, reserve included."
            elif own.family in shipped_languages():
                hint = f"Build with --language {own.family}, or: {hint}"
            raise PackError(what, where=attribute.where, hint=hint)
    own_words = [pack for pack in attributes.packs if pack.caption and not pack.name.startswith(BUILT_IN)]
    if own_words and not any(pack.language.family == language.family for pack in own_words):
        pack = own_words[0]
        own = pack.language
        what = f"the pack's caption is in {own.name} ({own.code}), and what is asked in {language.name}"
        hint = f"Give a `caption` in {language.name} too, in a pack with `language: {language.code}`."
        raise PackError(what, where=pack.where.at("caption", name=""), hint=hint)


def _order(by_name: dict[str, Attribute]) -> tuple[str, ...]:
    try:
        return tuple(TopologicalSorter({name: a.needs() for name, a in by_name.items()}).static_order())
    except CycleError as error:
        path = " -> ".join(reversed(error.args[1]))
        raise PackError(
            f"facts that depend on each other in a circle: {path}",
            where=by_name[error.args[1][0]].where,
            hint="Break the circle: at least one of them must not be computed from the others.",
        ) from error


def _check_known(name: str, known: Collection[str], message: str, where: object) -> None:
    if name not in known:
        raise PackError(message, where=where, hint=did_you_mean(name, known))


def _check_references(attribute: Attribute, by_name: dict[str, Attribute], sources: Mapping[str, Source]) -> None:
    where = attribute.where
    if attribute.origin.kind == "from":
        source, column = attribute.origin.options.split(".")
        if source not in sources:
            hint = f"{did_you_mean(source, sources)} A table of your own is declared in a YAML file: --table FILE."
            raise PackError(f"unknown source {source!r}", where=where.at("from", name=""), hint=hint)
        columns = sources[source].columns
        _check_known(column, columns, f"source {source!r} has no column {column!r}", where.at("from", name=""))
        if columns[column] != attribute.kind:
            raise PackError(
                f"{source}.{column} holds {columns[column]}, not {attribute.kind}",
                where=where.at("type", name=""),
                hint=f"Write `type: {columns[column]}`.",
            )
    known = [*by_name, *AMBIENT]
    for place, expression in attribute.reads():
        for name in expression.names:
            what = f"{place}: unknown fact {name!r} in {expression.source!r}"
            _check_known(name, known, what, expression.where)
    if (within := attribute.perturb.within) is not None:
        _check_known(
            within, by_name, f"perturb.within: unknown fact {within!r}", where.at("perturb", "within", name="")
        )


def _resolved(attribute: Attribute, by_name: Mapping[str, Attribute]) -> Attribute:
    """An attribute of somebody else's, written as that one's is; any other as it is.

    Raises:
        PackError: what it names is no relation, or no fact of everybody's; a rule that can't hold of a tied fact.
    """
    where, origin = attribute.where, attribute.origin
    if attribute.kind == RELATION and origin.kind != RELATION:
        hint = "Write `generate: {relation: spouse}`, or `type: name` for names of people who are not in the dataset."
        raise PackError("a relation is generated", where=where.at("type", name=""), hint=hint)
    within = () if attribute.perturb.within is None else (attribute.perturb.within,)
    for name in (*(n for _, e in attribute.reads() for n in e.names), *within):
        if name in by_name and by_name[name].tied:
            what = f"reads {name!r}, which not everybody has"
            raise PackError(what, where=where, hint="Only `through`, phrasings and an own `caption` may name it.")
    if attribute.tied and (attribute.constraints or attribute.values or attribute.perturb != Perturbation()):
        what = "constraints, `values` and `perturb` do nothing for what depends on whom a person is tied to"
        raise PackError(what, where=where, hint="Leave them out.")
    if origin.kind != "through":
        return attribute
    at = where.at("through", name="")
    relation, fact = origin.options.split(".")
    relations = [name for name, other in by_name.items() if other.kind == RELATION]
    _check_known(relation, relations, f"through: no relation {relation!r}", at)
    facts = [name for name, other in by_name.items() if not other.tied]
    _check_known(fact, facts, f"through: no fact {fact!r} that everybody has", at)
    if (kind := by_name[fact].kind) != attribute.kind:
        what, hint = f"{origin.options} holds {kind}, not {attribute.kind}", f"Write `type: {kind}`."
        raise PackError(what, where=where.at("type", name=""), hint=hint)
    leads_to = by_name[fact]
    genders = {**leads_to.genders, **attribute.genders}
    return replace(attribute, options=leads_to.options, values=leads_to.values, genders=genders)


def _check_shared(name: str, by_name: Mapping[str, Attribute], sources: Mapping[str, Source], where: Place) -> None:
    """Refuse to share what goes with other facts of a person, or what many people have anyway.

    Raises:
        PackError: the fact is such a one, or there is none of the name.
    """
    _check_known(name, by_name, f"no pack declares an attribute {name!r}", where)
    attribute, origin = by_name[name], by_name[name].origin
    what = ""
    if origin.kind == "from":
        source, column = origin.options.split(".")
        drawn_with = sources[source].drawn_with
        if source in ("person", "addresses") or column in {*drawn_with, *drawn_with.values()}:
            what = f"{origin.options} goes with other facts of the person"
    elif origin.kind in ("choose", "compute") or attribute.tied or origin.expressions:
        what = "only a column of a source and what is generated without other facts can be shared"
    if attribute.constraints or any(name in e.names for a in by_name.values() for e in a.constraints):
        what = "a constraint reads it"
    if what:
        hint = "People can share a doctor, a hospital, an employer; not what describes themselves."
        raise PackError(f"{name} can't be shared: {what}", where=where, hint=hint)


def _check_kinds(by_name: Mapping[str, Attribute]) -> None:
    """Refuse two relations of one kind: they would be the same people."""
    first: dict[str, str] = {}
    for name, attribute in by_name.items():
        if attribute.kind == RELATION and (other := first.setdefault(attribute.origin.options, name)) != name:
            what = f"{other!r} is the same relation, {attribute.origin.options}"
            raise PackError(what, where=attribute.where.at("generate", name=""), hint="Leave one of them out.")


def _check_caption(pack: Pack, by_name: dict[str, Attribute]) -> None:
    language = pack.language
    templates = [
        (phrasing, "caption", pack.where.at("caption", i, j, name=""))
        for i, paragraph in enumerate(pack.caption)
        for j, phrasing in enumerate(paragraph)
    ]
    templates += [
        (a.caption, f"{a.name}.caption", pack.where.at(*a.where.location, "caption", name=""))
        for a in pack.attributes
        if a.caption
    ]
    templates += [
        (added.caption, f"{name}.caption", pack.where.at("phrasings", name, "caption", name=""))
        for name, added in pack.phrasings.items()
        if added.caption
    ]
    for template, place, where in templates:
        rest = language.placeholder.sub("", template)
        if "{" in rest or "}" in rest:
            raise PackError(
                f"{place}: a brace without a fact in {template!r}",
                where=where,
                hint=f"Write {{fact}}{''.join(f' or {{{article} fact}}' for article in language.articles)}.",
            )
        for _, name in placeholders(template, language):
            known = {**language.all_pronouns, **by_name}
            _check_known(name, known, f"{place}: unknown fact {name!r}", where)
            if name in by_name and by_name[name].tied and place != f"{name}.caption":
                hint = f"Give {name} a `caption` of its own: it is told of those who have it."
                raise PackError(f"{place}: not everybody has {name!r}", where=where, hint=hint)
