"""The short form of a report: what is not as it should be, and the figures that everyone wants to know."""

from itertools import chain

from fiubench.builder.audit.registry import FAIL, GROUPS, MEASURES, NONE, WARN, Measure, Result, declared_measures
from fiubench.builder.audit.report import Report

#: Shown whatever they are, as those of plug-ins are.
KEY = ("recognised", "phrasings", "chance_level", "chance_rouge", "bits", "truth_told_on_average", "perturbed_bias",
       "face_diversity")  # fmt: skip
_PERCENT_BELOW = 0.0995  # a share is given with one decimal where that says more


def value_text(measure: Result) -> str:
    """A value with its unit, as people write it: "36 of 8,000", "11.9 %", "155.9 bits"; "-" where there is none."""
    unit = MEASURES[measure.name].declared.unit
    if measure.value is None:
        return "-"
    if unit == "share":
        decimals = 1 if abs(measure.value) < _PERCENT_BELOW else 0
        return f"{measure.value:.{decimals}%}"
    if measure.of is not None:
        return f"{measure.value:,.0f} of {measure.of:,}"
    number = f"{measure.value:,.1f}".removesuffix(".0")
    if unit.startswith("-log"):
        return number
    return f"{number} {unit.removesuffix('s') if number == '1' else unit}"


def rows(report: Report, against: Report | None = None) -> list[tuple[str, ...]]:
    """A table: verdict, measure and value; with another report, its verdict and value beside them."""
    reports = [report] if against is None else [report, against]
    made = [("measure", *(cell for each in reports for cell in (each.target["name"], "")))]
    for name, declared in declared_measures().items():
        found = [each.measure(name) for each in reports]
        shown = name in KEY or MEASURES.plugin(name) is not None
        measured = any(measure.value is not None for measure in found)
        if measured and (shown or any(measure.verdict in (WARN, FAIL) for measure in found)):
            cells = ((value_text(measure), measure.verdict.replace(NONE, "")) for measure in found)
            made.append((declared.title, *chain.from_iterable(cells)))
    return made


def limits_text(measure: Measure) -> str:
    """From which value on a measure warns or fails: "warns above 15%, fails above 30%"."""
    percent = measure.unit == "share"
    return ", ".join(
        f"{name.replace('_', 's ')} {f'{limit:.0%}' if percent else f'{limit:g}'}"
        for name, limit in measure.limits.items()
    )


def markdown_tables() -> str:
    """All measures of our own, as docs/audit.md lists them: a heading and a table per group."""
    lines = []
    for group, title in GROUPS.items():
        lines += [f"### {title}", "| measure | title | what it says | unit | limits |", "|---|---|---|---|---|"]
        for name, each in declared_measures().items():
            if each.group == group and MEASURES.plugin(name) is None:
                lines.append(f"| `{name}` | {each.title} | {each.help} | {each.unit} | {limits_text(each)} |")
        lines.append("")
    return "\n".join(lines)
