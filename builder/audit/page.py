"""The audit as one HTML file: it opens from disk, asks no network, and treats whatever a dataset holds as text."""

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from fiubench.builder.audit.report import Rule, rules
from fiubench.support.files import atomic_writer

# They share one scope, and run in this order.
_SCRIPTS = tuple(f"page{part}.js" for part in ("_base", "_charts", "", "_attributes", "_plots", "_people"))
_SLOT = re.compile(r"\{\{(\w+)\}\}")
#: ``<`` could end the element that the data lies in; the rest is for readers that are less strict than a browser.
_IN_HTML = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


@dataclass(frozen=True)
class Card:
    """One identity of the gallery.

    Attributes:
        unique_id: as in the dataset.
        name: full name.
        face: a small JPEG as a ``data:`` URI (see :func:`thumbnail`), or ``None``.
        profile: (attribute, text) pairs in the order in which they are shown.
        qa: QA pairs with ``attribute``, ``question``, ``answer``, ``paraphrased_answer`` (or ``None``) and
            ``perturbed_answer`` (a list).
        splits: names of the splits that the identity is in.
    """

    unique_id: str
    name: str
    face: str | None
    profile: list[tuple[str, str]]
    qa: list[dict[str, Any]]
    splits: list[str] = field(default_factory=list)


def write_page(
    report: dict[str, Any], gallery: Iterable[Card], out: Path, against: dict[str, Any] | None = None
) -> None:
    """Write the HTML report. Cards are written as they come, so memory does not grow with the gallery.

    Args:
        report: in the shape of ``schemas/audit.schema.json``.
        gallery: identities to show, in order.
        out: the file; it appears whole or not at all.
        against: the report of another dataset, to be shown side by side.

    Raises:
        DatasetError: the file can't be written.
    """
    style, scripts = _resource("page.css"), [_resource(name) for name in _SCRIPTS]
    slots = {
        "policy": _policy(style, scripts),
        "style": f"<style>{style}</style>",
        "scripts": "\n".join(f"<script>{script}</script>" for script in scripts),
    }
    with atomic_writer(out) as file:
        for number, part in enumerate(_SLOT.split(_resource("page.html"))):
            pieces = [part] if number % 2 == 0 else [slots[part]] if part in slots else _data(report, gallery, against)
            for piece in pieces:
                file.write(piece.encode())


def thumbnail(image: bytes | Path, side: int = 96) -> str | None:
    """A picture as the ``data:`` URI of a JPEG of at most ``side`` pixels a side; ``None`` if it does not open."""
    from fiubench.raw_sources.reading.images import BadImage, small_jpeg  # noqa: PLC0415  Pillow, which only galleries need

    try:
        jpeg = small_jpeg(image, side)
    except (BadImage, OSError):
        return None
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"


def _data(report: dict[str, Any], gallery: Iterable[Card], against: dict[str, Any] | None) -> Iterator[str]:
    better = {name: _better(rule) for name, rule in rules().items()}
    limits = {name: _limits(rule) for name, rule in rules().items()}
    yield f'{{"report":{_json(report)},"against":{_json(against)},"better":{_json(better)},"limits":{_json(limits)}'
    yield ',"cards":['
    for number, card in enumerate(gallery):
        yield f"{',' if number else ''}\n{_json(asdict(card))}"
    yield "]}"


def _json(value: Any) -> str:
    """ASCII only, so that neither U+2028 nor half a surrogate pair from a foreign file does harm."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).translate(_IN_HTML)


def _better(rule: Rule) -> str:
    """Which of two values of a measure is the better one: the ``lower`` or the ``higher``."""
    return "higher" if rule.warn_below is not None or rule.fail_below is not None else "lower"


def _limits(rule: Rule) -> dict[str, float]:
    names = ("warn_above", "fail_above", "warn_below", "fail_below")
    return {name: limit for name in names if (limit := getattr(rule, name)) is not None}


def _policy(style: str, scripts: Iterable[str]) -> str:
    """A Content-Security-Policy that lets the page's own style and scripts run, shows its own pictures, and no more."""
    return "; ".join(
        [
            "default-src 'none'",
            f"style-src {_source(style)}",
            f"script-src {' '.join(_source(script) for script in scripts)}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _resource(name: str) -> str:
    return resources.files("fiubench.builder.audit").joinpath(name).read_text(encoding="utf-8")
