"""``choose``: weighted values, the same for everyone or by what another fact says, written in the pack or elsewhere.

What is elsewhere (the user's file, a provider of Faker) is read once, when the pack is. Its values and weights are put
into the pack's document, and so into its digest and the manifest: a dataset is verified without the file and without
Faker.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from fiubench.builder.packs.expressions import Expression, compile_expression
from fiubench.builder.packs.model import Place
from fiubench.builder.packs.tables import DeclaredTable
from fiubench.builder.values.base import VALUE_TYPES, ValueType
from fiubench.raw_sources.drawn import Weighted
from fiubench.raw_sources.names import is_public_figure
from fiubench.raw_sources.source import Context
from fiubench.support.canonical import digest_of
from fiubench.support.draws import Ints, choose
from fiubench.support.errors import PackError, SourceError, did_you_mean

_MOST = 20_000  # different values: the manifest holds them
_HEAVIEST = 1_000_000_000  # as the schema says
_DRAWS = 1_000  # of a provider of Faker, where the pack says nothing else
_LOCALE = "en_US"


@dataclass(frozen=True)
class Choice:
    """What values are chosen from.

    Attributes:
        groups: weighted values; one group, or one for each case and one for the rest, if the pack has that.
        cases: what the fact says for which a group is drawn from; empty where there is one for everyone.
        where: its place in the pack, for messages.
    """

    groups: tuple[Weighted, ...]
    cases: tuple[str, ...] = ()
    where: object = ""

    def group_of(self, given: Sequence[Any]) -> Ints:
        """The group of each identity, by what the expression gives for it.

        Raises:
            PackError: there is none.
        """
        numbers = {case: number for number, case in enumerate(self.cases)}
        rest = len(self.cases) if len(self.groups) > len(self.cases) else None
        found = [numbers.get(called(value), rest) for value in given]
        if None in found:
            case = called(given[found.index(None)])
            hint = f"{did_you_mean(case, self.cases)} Or say with `otherwise` what the rest draws from."
            raise PackError(f"choose: no case {case!r}", where=self.where, hint=hint)
        return np.array(found, np.int64)

    def draw(self, seed: int, purpose: str, index: Ints, group: Ints) -> list[Any]:
        """A value for each identity, by the weights of its group."""
        made: list[Any] = [None] * len(index)
        for number in np.unique(group).tolist():
            who = np.flatnonzero(group == number)
            values, weights = self.groups[number]
            for i, pick in zip(who.tolist(), choose(seed, purpose, index[who], weights).tolist(), strict=True):
                made[i] = values[pick]
        return made


def called(value: Any) -> str:
    """A fact as the cases of a choice name it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def parse_choice(options: Any, kind: ValueType, where: Place) -> tuple[Choice, tuple[Expression, ...]]:
    """What a pack says below ``choose``, and the expression that it depends on, if there is one.

    Raises:
        PackError: a value that is none of the type; a file without its values.
    """
    by = options.get("by") if isinstance(options, dict) else None
    if not isinstance(by, str):
        by = None
    expressions = () if by is None else (compile_expression(by, where.at("choose", "by")),)
    values, rest = options, None
    if is_elsewhere(options):
        if "values" not in options:
            raise PackError("choose: the values are in a file that is not at hand", where=where)
        values = options["values"]
        if any(isinstance(each, dict) != (by is not None) for each in values.values()):
            raise PackError(
                "choose.values: no values for each case, and for nothing else", where=where.at("choose", name="")
            )
    elif by is not None:
        values, rest = options["cases"], options.get("otherwise")
    if by is None:
        return Choice((_weighted(values, kind, where.at("choose")),)), ()
    cases = tuple(sorted(values))
    groups = [_weighted(values[case], kind, where.at("choose", "cases", case)) for case in cases]
    if rest is not None:
        groups.append(_weighted(rest, kind, where.at("choose", "otherwise")))
    return Choice(tuple(groups), cases, where.at("choose", "cases")), expressions


def is_elsewhere(options: Any) -> bool:
    """Whether the values of a choice are taken from a file or from Faker: ``file: 3`` is a word and its weight."""
    return isinstance(options, dict) and any(isinstance(options.get(key), str) for key in ("file", "faker"))


def _weighted(options: Any, kind: ValueType, where: Place) -> Weighted:
    # A mapping has no order (a manifest sorts it), so the draw must not depend on the one it was written in.
    weights = dict(sorted(options.items())) if isinstance(options, dict) else dict.fromkeys(options, 1)
    if kind.json_type.get("type") == "string":
        return list(weights), [float(weight) for weight in weights.values()]
    values = [kind.parse(text) for text in weights]
    for text, value in zip(weights, values, strict=True):
        if value is None or not kind.is_valid(value):
            raise PackError(f"{text!r} is no {kind.name}", where=where, hint=f"Write {kind.help}, in quotes.")
    return values, [float(weight) for weight in weights.values()]


def resolved(entry: Mapping[str, Any], folder: Path, where: Place) -> Mapping[str, Any]:
    """An attribute with the values of its choice, where these are in a file or come from Faker.

    Args:
        entry: as the pack has it, valid by the schema.
        folder: the pack's.

    Raises:
        PackError: the file or the provider has no such values, or too many.
        SourceError: the file can't be read.
    """
    options: Any = entry.get("choose")
    if not is_elsewhere(options) or "values" in options:
        return entry
    kind, at = VALUE_TYPES[entry["type"]], where.at("choose")
    found = _of_file(options, kind, folder, at) if "file" in options else _of_faker(options, kind, at)
    counted = found["values"]
    for weights in counted.values() if "cases" in options else [counted]:
        if weights and max(weights.values()) > _HEAVIEST:
            what = f"a value weighs {max(weights.values()):g}"
            raise PackError(what, where=at, hint=f"Weights are at most {_HEAVIEST:,}: divide them.")
        if not 2 <= len(weights) <= _MOST:
            what = f"{len(weights)} different values" if weights else "no values"
            hint = f"Two or more make a choice, and at most {_MOST:,}; a table (--table) may have more."
            raise PackError(f"has {what}", where=at, hint=hint)
    return {**entry, "choose": {**options, **found}}


def _of_file(options: Mapping[str, Any], kind: ValueType, folder: Path, where: Place) -> dict[str, Any]:
    """Values of a column with their weights: as often as they stand there, or as another column says."""
    columns = {"value": {"header": options["column"], "type": kind.name}}
    columns |= {"weight": {"header": options["weights"], "type": "decimal"}} if "weights" in options else {}
    columns |= {"given": {"header": options["cases"], "type": "text"}} if "cases" in options else {}
    declared = {"source": "choice", "title": "Choice", "file": options["file"], "columns": columns}
    try:
        table = DeclaredTable(declared, "", str(where), folder)
        read = table.read(table.path, Context(date.max))
    except SourceError as error:
        raise PackError(f"{Path(options['file']).name}: {error.what}", where=where, hint=error.hint) from error
    data = read.data.to_pydict()
    weights = data.get("weight") or [1] * read.rows
    if min(weights) <= 0:
        raise PackError(f"{options['weights']}: a weight of {min(weights)}", where=where, hint="Weights are above 0.")
    counted: dict[str, Counter[str]] = {}
    for case, value, weight in zip(data.get("given") or [""] * read.rows, data["value"], weights, strict=True):
        counted.setdefault(case, Counter())[_text(kind, value)] += weight
    values = {case: dict(sorted(group.items())) for case, group in sorted(counted.items())}
    rows = {"read": read.report.read, "kept": read.report.kept}
    return {
        "file": table.document["file"], "sha256": read.origin.sha256, "rows": rows,
        "values": values if "cases" in options else values[""],
    }  # fmt: skip


def _text(kind: ValueType, value: Any) -> str:
    return value if isinstance(value, str) else kind.write(value)


def _of_faker(options: Mapping[str, Any], kind: ValueType, where: Place) -> dict[str, Any]:
    """What a provider of Faker gives, as often as it gives it; a function of the options and of Faker's version."""
    import faker  # noqa: PLC0415  a third of a second

    locale, name = options.get("locale", _LOCALE), options["faker"]
    try:
        fake = faker.Faker(locale)
    except (AttributeError, ValueError) as error:
        hint = did_you_mean(locale, faker.config.AVAILABLE_LOCALES)
        raise PackError(f"Faker has no locale {locale!r}", where=where, hint=hint) from error
    own = {
        each: method
        for provider in fake.get_providers()
        for each in dir(provider)
        if not each.startswith("_") and callable(method := getattr(provider, each))
    }
    if name not in own:
        raise PackError(f"Faker has no provider {name!r} for {locale}", where=where, hint=did_you_mean(name, own))
    fake.seed_instance(int(digest_of(dict(options))[:16], 16))
    values: Counter[str] = Counter()
    for _ in range(options.get("draws", _DRAWS)):
        try:
            text = str(getattr(fake, name)())
        except TypeError as error:
            raise PackError(f"Faker's {name} can't be called without arguments", where=where) from error
        value = kind.parse(" ".join(text.split()).rstrip("."))
        if value is None or not kind.is_valid(value):
            raise PackError(f"Faker's {name} makes {text!r:.60}, which is no {kind.name}", where=where)
        if kind.name != "name" or not is_public_figure(value):
            values[_text(kind, value)] += 1
    return {"version": faker.VERSION, "values": dict(sorted(values.items()))}
