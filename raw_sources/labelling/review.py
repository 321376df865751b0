"""Going through the faces of a folder by eye: one local page, whose decisions go into ``faces.csv``."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any

from fiubench.raw_sources.embedded import AGE_BANDS, OLDEST
from fiubench.raw_sources.names import GENDERS
from fiubench.raw_sources.reading.folder import LABELS, files_of
from fiubench.raw_sources.reading.images import BadImage, small_jpeg
from fiubench.raw_sources.reading.labels import (
    BY_HAND,
    EXCLUDE,
    KEEP,
    Label,
    check_columns,
    match_labels,
    read_labels,
    write_labels,
)
from fiubench.raw_sources.source import MOST_UNDER_20
from fiubench.support import page
from fiubench.support.errors import FiubenchError, SourceError

_HERE, _KIT = Path(__file__).parent, Path(page.__file__).parent
_STATIC = {
    "/": (_HERE / "review.html", "text/html; charset=utf-8"),
    "/review.js": (_HERE / "review.js", "text/javascript; charset=utf-8"),
    "/review.css": (_HERE / "review.css", "text/css; charset=utf-8"),
    "/page.css": (_KIT / "page.css", "text/css; charset=utf-8"),
}
_POLICY = "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_THUMBNAIL = 256  # pixels
_LARGEST_BODY = 1 << 12  # bytes
_BANDS = [*zip(AGE_BANDS, (*(edge - 1 for edge in AGE_BANDS[1:]), OLDEST - 1), strict=True)]  # first and last age
_LIKELY_ADULT = 21.5  # estimates near this age are the ones most in doubt


class Review:
    """The labels of a folder while a human goes through them; each decision is written at once.

    Raises:
        SourceError: the folder has no ``faces.csv``, or a wrong one.
    """

    def __init__(self, folder: Path, *, most_under_20: float = MOST_UNDER_20, follow_links: bool = False) -> None:
        self.folder, self.most_under_20 = folder, most_under_20
        files, _ = files_of(folder, follow_links=follow_links)
        check_columns(folder / LABELS)
        rows = read_labels(folder / LABELS)
        if rows is None:
            hint = f"Write one with `fiubench faces annotate {folder}`."
            raise SourceError(f"there is no {LABELS} to review", where=folder, hint=hint)
        known, _ = match_labels(folder, files, rows)
        self.paths = {label.file: path for path, label in known.items()}
        self.labels = [label for _, label in rows]
        self._undo: list[tuple[int, Label]] = []
        self._lock = Lock()

    def rows(self) -> list[dict[str, Any]]:
        """What the page shows of each picture that is there, the most doubtful first."""
        there = [number for number, label in enumerate(self.labels) if label.file in self.paths]
        return [self.row(number) for number in sorted(there, key=lambda i: (-self._doubt(self.labels[i]), i))]

    def _doubt(self, label: Label) -> float:
        """Less where a wrong estimate does no harm, since the face is left out."""
        return doubt(label) * (1.0 if label.refusal(self.most_under_20) is None else 0.5)

    def row(self, number: int) -> dict[str, Any]:
        """What the page shows of one picture."""
        label = self.labels[number]
        shown = ("file", "gender", "age", "under_20", "gender_confidence", "faces", "frontal", "decision")
        row = {"number": number, **{name: getattr(label, name) for name in shown}}
        return {**row, "left_out": label.refusal(self.most_under_20)}

    def decide(self, number: int, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Set gender, age band (its position) or decision of a picture, and write the file.

        Raises:
            ValueError: no such picture, or a value that there is not.
        """
        with self._lock:
            if not 0 <= number < len(self.labels):
                raise ValueError(f"there is no picture {number}")
            before = self.labels[number]
            self._set(number, decided(before, wanted, self.most_under_20))
            self._undo.append((number, before))
            return self.row(number)

    def undo(self) -> dict[str, Any] | None:
        """Take the last decision back; ``None`` where there is none."""
        with self._lock:
            if not self._undo:
                return None
            number, before = self._undo[-1]
            self._set(number, before)
            self._undo.pop()
            return self.row(number)

    def _set(self, number: int, label: Label) -> None:
        """What can't be written is not remembered either."""
        labels = [*self.labels[:number], label, *self.labels[number + 1 :]]
        write_labels(self.folder / LABELS, labels)
        self.labels = labels


def doubt(label: Label) -> float:
    """How much a human's look is wanted, from 0 to 1; below 0 for what has been decided."""
    if label.decision:
        return -1.0
    if label.age is None or label.gender is None or label.faces not in (None, 1):
        return 1.0
    young, sure = label.under_20 or 0.0, 1.0 if label.gender_confidence is None else label.gender_confidence
    return max(2 * (1 - sure), 4 * young * (1 - young), 1 / (1 + abs(label.age - _LIKELY_ADULT) / 2))


def decided(label: Label, wanted: Mapping[str, Any], most_under_20: float = MOST_UNDER_20) -> Label:
    """A label with what a human says of it.

    Args:
        wanted: ``decision`` (keep, exclude), ``gender``, and ``band``, the position of an age band: the age becomes the
            nearest in it. A gender alone lets nobody in who is left out.

    Raises:
        ValueError: something else, or a value that there is not.
    """
    only_gender = set(wanted) == {"gender"}
    changes: dict[str, Any] = {} if only_gender and label.refusal(most_under_20) else {"decision": KEEP}
    for name, value in wanted.items():
        if name == "decision" and value in (KEEP, EXCLUDE):
            changes["decision"] = value
        elif name == "gender" and value in GENDERS:
            changes |= {"gender": value, "gender_confidence": BY_HAND}
        elif name == "band" and value in range(len(_BANDS)):
            first, last = _BANDS[value]
            changes |= {"age": first if label.age is None else min(max(label.age, first), last), "under_20": 0.0}
        else:
            raise ValueError(f"{name} {value!r} can't be set")
    return replace(label, **changes)


class ReviewServer(ThreadingHTTPServer):
    """Serves the page on loopback, to this machine alone.

    Raises:
        SourceError: the port is taken.
    """

    daemon_threads = True

    def __init__(self, review: Review, port: int = 0) -> None:
        self.review = review
        try:
            super().__init__(("127.0.0.1", port), _Handler)
        except OSError as error:
            hint = "Name another --port."
            raise SourceError(f"port {port} can't be used: {error.strerror}", where="--port", hint=hint) from error

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A page that is closed while it loads is no news."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.server_address[1]}/"


class _Handler(BaseHTTPRequestHandler):
    server: ReviewServer

    def do_GET(self) -> None:
        """The page, its parts, the labels, and pictures by their number."""
        if not self._is_ours():
            return self._answer(403, b"", "text/plain")
        if self.path in _STATIC:
            file, kind = _STATIC[self.path]
            return self._answer(200, file.read_bytes(), kind)
        review = self.server.review
        if self.path == "/faces.json":
            bands = [f"{first} to {last}" if last < OLDEST - 1 else f"{first} and older" for first, last in _BANDS]
            return self._json({"folder": review.folder.name, "bands": bands, "faces": review.rows()})
        number = self.path.removeprefix("/face/").removesuffix(".jpg")
        if self.path.startswith("/face/") and number.isdecimal() and int(number) < len(review.labels):
            path = review.paths.get(review.labels[int(number)].file)
            data = None if path is None else _thumbnail(path)
            return self._answer(200, data, "image/jpeg") if data else self._answer(404, b"", "text/plain")
        return self._answer(404, b"", "text/plain")

    def do_POST(self) -> None:
        """A decision, the last one taken back, or the end."""
        # a page of another site can't send JSON here without being asked first, and it is not answered
        if not self._is_ours() or self.headers.get("Content-Type") != "application/json":
            return self._answer(403, b"", "text/plain")
        try:
            length = max(0, min(int(self.headers.get("Content-Length", 0)), _LARGEST_BODY))
            wanted = json.loads(self.rfile.read(length) or b"{}")
            actions: dict[str, Callable[[], Any]] = {
                "/decide": lambda: self.server.review.decide(wanted.pop("number"), wanted),
                "/undo": self.server.review.undo,
                "/done": dict,
            }
            answer = actions[self.path]()
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, FiubenchError) as error:
            return self._json({"error": str(error)}, status=400)
        self._json(answer)
        if self.path == "/done":
            self.server.shutdown()
        return None

    def _is_ours(self) -> bool:
        """Whether the request names this machine: another name that leads here is a trick of another site's page."""
        host = self.headers.get("Host", "").rpartition(":")[0]
        return host in ("127.0.0.1", "localhost")

    def _json(self, answer: Any, status: int = 200) -> None:
        self._answer(status, json.dumps(answer).encode(), "application/json")

    def _answer(self, status: int, data: bytes, kind: str) -> None:
        self.send_response(status)
        headers = {
            "Content-Type": kind,
            "Content-Length": str(len(data)),
            "Content-Security-Policy": _POLICY,
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",  # another folder has other pictures under the same names
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Nothing: requests are no news."""


@lru_cache(maxsize=512)
def _thumbnail(path: Path) -> bytes | None:
    try:
        return small_jpeg(path, _THUMBNAIL)
    except (BadImage, OSError):
        return None
