"""One kit for HTML reports: a page is a single file that opens from disk and asks no network for anything.

A report has a template of its own that extends ``base.html``; text is escaped by Jinja, figures are drawn by
:mod:`fiubench.support.page.figures`, and ``page.js`` only hides, sorts and pages what the file holds.
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_KIT = Path(__file__).parent


def render(template: Path, context: Mapping[str, Any]) -> Iterator[bytes]:
    """The pieces of a page, in order, in UTF-8; half a surrogate pair becomes a question mark.

    Args:
        template: extends ``base.html``; may import ``macros.html``.
        context: what the template shows. ``sections`` is the navigation: (id, title) pairs.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415  only reports need it

    environment = Environment(
        loader=FileSystemLoader([template.parent, _KIT]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["words"] = lambda name: name.replace("_", " ")
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    style, script = ((_KIT / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    kit = {"policy": _policy(style, script), "style": style, "script": script}
    for piece in environment.get_template(template.name).generate(**context, **kit):
        yield piece.encode("utf-8", "replace")


def data_uri(data: bytes, kind: str) -> str:
    """A file of the media type ``kind`` as a ``data:`` URI."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _policy(style: str, script: str) -> str:
    """A Content-Security-Policy that lets the page's own style and script run, shows its own pictures, and no more."""
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script)]
    return (
        f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
