"""Which values an attribute can take, where these are a list; and expressions that name one which it never has."""

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from fiubench.builder.config import NO_FACES, make_config, source_settings
from fiubench.builder.generation.profiles import Profiles
from fiubench.builder.generation.sources import open_sources
from fiubench.builder.packs.attributes import read_packs
from fiubench.builder.packs.choice import Choice
from fiubench.builder.packs.expressions import Expression
from fiubench.builder.packs.model import BUILT_IN, Attribute, articles, placeholders, untranslated
from fiubench.raw_sources.drawn import Options
from fiubench.raw_sources.names import GENDERS
from fiubench.raw_sources.source import SOURCES
from fiubench.raw_sources.table import FileTable, Generator
from fiubench.support.errors import PackError, did_you_mean

_FEW = 20  # values that a message lists
_LISTED = "`fiubench sources values` lists those of a column"
_MOST = 20_000  # different values of a file's column that make a list
_COMPARED = (ast.Eq, ast.NotEq, ast.In, ast.NotIn)


class Known:
    """The values of a build's attributes.

    Args:
        profiles: that make the facts.
    """

    def __init__(self, profiles: Profiles) -> None:
        self.profiles = profiles
        self._found: dict[str, frozenset[str] | None] = {}

    def values(self, attribute: Attribute) -> frozenset[str] | None:
        """Every value that an attribute can have, as expressions see it; ``None`` where they are no list of texts."""
        if attribute.name not in self._found:
            self._found[attribute.name] = self._of(attribute)
        return self._found[attribute.name]

    def _of(self, attribute: Attribute) -> frozenset[str] | None:
        origin = attribute.origin
        if origin.kind == "through":
            return self.values(self.profiles.attributes.through(attribute)[1])
        if isinstance(origin.options, Choice):
            return _texts(value for values, _ in origin.options.groups for value in values)
        if origin.kind == "list":
            return frozenset(origin.options["of"])
        return self.of_column(*origin.options.split(".")) if origin.kind == "from" else None

    def of_column(self, source: str, column: str) -> frozenset[str] | None:
        """Every value of a source's column; ``None`` where they are no list of texts."""
        table = self.profiles.sources.tables.get(source)
        if isinstance(table, FileTable):
            found = set(table.data.column(column).to_pylist()) if table.types[column] in ("enum", "text") else set()
            return _texts(found) if 0 < len(found) <= _MOST else None
        if source == "person":
            return frozenset(GENDERS) if column == "gender" else None
        if not isinstance(table, Generator):
            return None
        block = self.profiles.reference_block
        drawn = table.drawn(column, block.rows[source], block.people)
        if not isinstance(drawn, Options) or drawn.make is not None:
            return None
        return _texts(value for group in np.unique(drawn.group).tolist() for value in drawn.values(group)[0])


def _texts(values: Any) -> frozenset[str] | None:
    found = frozenset(values)
    return found if all(isinstance(value, str) for value in found) else None


def check_literals(profiles: Profiles) -> None:
    """Refuse a constraint, an expression or a case of a choice that names a value which its fact never has.

    Raises:
        PackError: with the nearest that it has.
    """
    known, by_name = Known(profiles), profiles.attributes.by_name
    for attribute in by_name.values():
        if attribute.pack == BUILT_IN:
            continue
        for _, expression in attribute.reads():
            for fact, literal, inside in _compared(expression):
                read = by_name.get(fact)
                if not inside or (read is not None and read.kind == "list"):  # in a text, it is a part of it
                    _check(known, read, literal, expression.source, expression.where)
        if isinstance(choice := attribute.origin.options, Choice) and attribute.origin.expressions:
            by = attribute.origin.expressions[0].source.strip()
            for case in choice.cases if by in by_name else ():
                _check(known, by_name[by], case, f"choose.cases of {by}", choice.where)


def check_words(profiles: Profiles) -> None:
    """Refuse an attribute of which a value has no word in its language, or a noun no gender that an article needs.

    Raises:
        PackError: with the values.
    """
    known = Known(profiles)
    captions = [w for pack in profiles.attributes.packs for paragraph in pack.caption for w in paragraph]
    captions += [attribute.caption for attribute in profiles.active if attribute.caption]
    lacking: list[tuple[Attribute, frozenset[str]]] = []
    for attribute in profiles.active:
        values = known.values(attribute) if attribute.kind != "list" else None
        if values is not None and attribute.asked:
            values |= frozenset(attribute.perturb.extra)
        if attribute.values and values and (missing := values - attribute.values.keys()):
            lacking.append((attribute, missing))
            continue
        language = attribute.language
        needed = any(article for answer in attribute.answers for article in articles(answer))
        needed |= any(
            article and name == attribute.name for w in captions for article, name in placeholders(w, language)
        )
        if needed and language.genders:
            _check_genders(attribute, values)
    if lacking:
        raise untranslated(*lacking[0], others=[attribute.name for attribute, _ in lacking[1:]])


def _check_genders(attribute: Attribute, values: frozenset[str] | None) -> None:
    """Refuse articles before a noun whose gender the pack does not say."""
    where = attribute.where
    if values is None:
        what = "an article goes with the gender of a value, and the values are no list"
        raise PackError(what, where=where, hint="Write {value} alone.")
    if missing := frozenset(attribute.values.get(value, value) for value in values) - attribute.genders.keys():
        some = ", ".join(map(repr, sorted(missing)[:_FEW]))
        hint = f"List each noun below `genders: {{{', '.join(f'{g}: [..]' for g in attribute.language.genders)}}}`."
        raise PackError(f"no gender for {some}, which an article needs", where=where, hint=hint)


def _check(known: Known, fact: Attribute | None, literal: str, source: str, where: object) -> None:
    values = None if fact is None else known.values(fact)
    if fact is None or values is None or literal in values | {*fact.perturb.extra}:
        return
    raise PackError(f"{fact.name} is never {literal!r}, as {source!r} has it", where=where, hint=_hint(literal, values))


def _hint(literal: str, values: frozenset[str]) -> str:
    hint = did_you_mean(literal, values)
    return hint if hint.startswith("Did") or len(values) <= _FEW else f"It has {len(values)} values: {_LISTED}."


def _compared(expression: Expression) -> Iterator[tuple[str, str, bool]]:
    """Facts that an expression compares with texts: the name of the fact, the text, whether it is looked for in it."""
    for node in ast.walk(ast.parse(expression.source, mode="eval")):
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        for left, operator, right in zip(sides, node.ops, sides[1:], strict=False):
            if isinstance(operator, _COMPARED):
                for name, other in ((left, right), (right, left)):
                    if isinstance(name, ast.Name):
                        inside = name is right and isinstance(operator, (ast.In, ast.NotIn))
                        yield from ((name.id, text, inside) for text in _constants(other))


def _constants(node: ast.expr) -> list[str]:
    elements = node.elts if isinstance(node, ast.Tuple) else [node]
    return [each.value for each in elements if isinstance(each, ast.Constant) and isinstance(each.value, str)]


def values_of_column(name: str, file: Path | None = None, tables: Sequence[Path] = ()) -> list[str]:
    """The values of a column as packs name it, in alphabetical order.

    Args:
        name: such as ``health.medication``.
        file: of the source, where it is not the embedded one.
        tables: YAML files that declare tables.

    Raises:
        PackError: there is no such column, or its values are no list of words.
        SourceError: a file can't be read.
    """
    source, _, column = name.partition(".")
    settings = {"faces": NO_FACES, "tables": [str(table) for table in tables]}
    config = make_config(settings | ({source: str(file)} if file and source in source_settings() else {}))
    attributes = read_packs((), tables)
    sources = {**SOURCES, **attributes.tables}
    if source not in sources or not sources[source].columns:
        known = [each for each, entry in sources.items() if entry.columns]
        raise PackError(f"no source {source!r} has columns", where=name, hint=did_you_mean(source, known))
    if column not in (columns := sources[source].columns):
        raise PackError(f"source {source!r} has no column {column!r}", where=name, hint=did_you_mean(column, columns))
    profiles = Profiles(config, open_sources(config, attributes.tables), attributes)
    found = Known(profiles).of_column(source, column)
    if found is None:
        what = f"holds {columns[column]} values that are no list of words"
        raise PackError(what, where=name, hint="`fiubench attributes preview` shows some.")
    return sorted(found)
