"""Amounts of money, in dollars."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from fiubench.builder.values.base import Drawing, Stated, ValueType, register
from fiubench.builder.values.numbers import check_range
from fiubench.raw_sources.drawn import Drawn, Range
from fiubench.support.draws import integers
from fiubench.support.errors import PackError

_AMOUNT = r"(?P<amount>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
_STATED = tuple(
    re.compile(pattern, re.IGNORECASE | re.ASCII)
    for pattern in (
        rf"(?<![\w.,$-])(?:US\s?)?\$\s?{_AMOUNT}(?!\w|[.,]\d)(?!\s*(?:thousand|million|billion|k\b|m\b))(?:\s+(?:US\s+)?(?:dollars|USD)\b)?",
        rf"(?<![\w.,$-])(?:USD|US\s+dollars)\s?{_AMOUNT}(?!\w|[.,]\d)",
        rf"(?<![\w.,$-]){_AMOUNT}\s?(?:US\s+)?(?:dollars|USD)\b",
    )
)
_CENT = 0.01
_DOLLARS = {"type": "number", "minimum": 0, "maximum": 1e12}


@register
class Money(ValueType):
    """Incomes and bills. ``cents: false`` writes $63,480 instead of $63,480.00."""

    name = "money"
    help = "amounts of money"
    json_type = {"type": "number"}
    options = {"cents": {"type": "boolean", "description": "Money: whether cents are written (default true)."}}
    generator = "money"
    generator_options = {
        "type": "object",
        "required": ["min", "max"],
        "additionalProperties": False,
        "properties": {"min": _DOLLARS, "max": _DOLLARS, "step": {**_DOLLARS, "minimum": _CENT}},
    }
    ordered = True
    form = re.compile(r"\$\d[\d,]*(\.\d+)?")
    translated = True

    def check(self, made: Sequence[Any], where: object) -> None:
        super().check(made, where)
        if made and min(made) < 0:
            raise PackError(f"makes {min(made)!r}: money is never negative", where=where)

    def write(self, value: Any) -> str:
        return self.language.money(self.language.number(f"{value:,.2f}"))

    def writer(self, options: Mapping[str, Any]) -> Callable[[Any], str]:
        return self.write if options.get("cents", True) else self._whole

    def ways(self, value: Any) -> tuple[str, ...]:
        return self.write(value), self._whole(value)

    def _whole(self, value: float) -> str:
        """Money without cents: "$63,480"."""
        return self.language.money(self.language.number(f"{value:,.0f}"))

    def parse(self, text: str) -> float | None:
        return self.language.read_money(text)

    def find_in(self, text: str) -> Iterator[Stated]:
        for pattern in _STATED:
            for match in pattern.finditer(text):
                yield Stated(match.span(), Decimal(match["amount"].replace(",", "")))

    def comparable(self, value: Any) -> Decimal:
        return Decimal(str(value)).quantize(Decimal("0.01"))

    def spellings(self, keyword: str) -> Sequence[str]:
        """Without commas, with the word "dollars", with cents that are none or without them."""
        language = self.language
        amount = re.sub(r"[^\d.,]", "", keyword).removesuffix(f"{language.point}00")
        amounts = dict.fromkeys((amount, amount.replace(language.grouping, "")))
        forms = [form for each in amounts for form in language.money_spellings(each)]
        forms += [] if language.point in amount else [language.money(f"{amount}{language.point}00")]
        return [form for form in forms if form != keyword]

    def check_options(self, options: Any, where: object) -> None:
        hint = "Narrow it, or give a larger `step`."
        check_range(self.generator, options, options.get("step", _CENT), hint, where)

    def generate(self, drawing: Drawing) -> list[Any]:
        step, low, high = (_cents_of(drawing.options.get(key, _CENT)) for key in ("step", "min", "max"))
        drawn = integers(drawing.seed, drawing.purpose, drawing.index, (high - low) // step + 1)
        return [value / 100 for value in (low + step * drawn).tolist()]

    def computed(self, values: list[Any]) -> list[Any]:
        return [round(float(value), 2) if isinstance(value, int | float) else value for value in values]

    def drawn(self, values: Sequence[Any], drawing: Drawing) -> Drawn:
        step, low, high = (_cents_of(drawing.options.get(key, _CENT)) for key in ("step", "min", "max"))
        place = (np.array([_cents_of(value) for value in values], dtype=np.int64) - low) // step
        size = np.full_like(place, (high - low) // step + 1)
        return Range(place, size, lambda who, at: [cents / 100 for cents in (low + step * at).tolist()])


def _cents_of(dollars: float) -> int:
    return round(dollars * 100)
