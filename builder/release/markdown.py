"""A dataset's text as Markdown."""

from collections.abc import Sequence


def table(header: Sequence[str], rows: Sequence[Sequence[str]], align: str) -> str:
    """Rows as a Markdown table; ``align`` has an l or r for each column."""
    rule = ["---:" if side == "r" else "---" for side in align]
    lines = [header, rule, *([escape(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def escape(text: object) -> str:
    """A dataset's text as Markdown that shows it as it is: on one line, no markup, no table cell broken."""
    shown = " ".join(str(text).split())
    for mark, safe in (("&", "&amp;"), ("<", "&lt;"), ("|", "\\|"), ("*", "\\*"), ("[", "\\[")):
        shown = shown.replace(mark, safe)
    return shown
