"""The short form of a report: what is not as it should be, and the figures that everyone wants to know."""

from fiubench.builder.audit.report import FAIL, WARN, Measure, Report, rules

#: Shown whatever they are.
KEY = ("recognised", "phrasings", "chance_level", "chance_rouge", "bits", "perturbed_bias", "face_diversity")
_PERCENT_BELOW = 0.0995  # a share is told with one decimal where that says more


def value_text(measure: Measure) -> str:
    """A value with its unit, as people write it: "36 of 8,000", "11.9 %", "155.9 bits"; "-" where there is none."""
    unit = rules()[measure.rule].unit
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
    header: list[str] = ["measure"]
    for each in reports:
        header += [each.target["name"], ""]
    made = [tuple(header)]
    for name, rule in rules().items():
        found = [each.measure(name) for each in reports]
        if name in KEY or any(measure.verdict in (WARN, FAIL) for measure in found):
            if all(measure.value is None for measure in found):
                continue
            cells = [cell for measure in found for cell in (value_text(measure), _word(measure))]
            made.append((rule.title, *cells))
    return made


def verdict_line(report: Report) -> str:
    """One line: the verdict and the counts behind it."""
    return report.verdict_line


def _word(measure: Measure) -> str:
    return "" if measure.verdict == "none" else measure.verdict
