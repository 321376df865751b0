"""Fetching sources from Kaggle with its own client ``kagglehub`` (extra ``kaggle``).

What to fetch is declared in ``sources.yaml``: dataset handle, the version that is asked for, file names. Of the faces
single files are fetched, since a part of SFHQ is tens of gigabytes. ``fetched.json`` tells of every file in the folder
which version of what it is, and its SHA-256; a file that is there already is not fetched again.
"""

import io
import logging
import re
import sys
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, NamedTuple

import orjson
from fiubench.raw_sources.registry import Kaggle, SourceInfo, source_info
from fiubench.support.canonical import file_digest, readable_json
from fiubench.support.errors import DatasetError, SourceError
from fiubench.support.files import atomic_writer, make_folder, write_atomic

RECORD = "fetched.json"
NUMBERS = "1-500"

_RANGE = re.compile(r"([0-9]{1,8})(?:-([0-9]{1,8}))?")
_MOST = 200_000
_CHUNK = 1 << 20
_ZIP = b"PK\x03\x04"
_PATIENCE = 1.0  # seconds between two writings of the record
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)  # the last: encrypted, or packed in a way unknown
_BROKEN = {"ConnectionError", "Timeout", "TimeoutError", "ChunkedEncodingError", "DataCorruptionError"}
_UNUSABLE = {"ValueError", "UnicodeEncodeError", "InvalidHeader"}  # what the client and `requests` make of a bad key
_CREDENTIALS = (
    "Set KAGGLE_API_TOKEN, or KAGGLE_USERNAME and KAGGLE_KEY (kaggle.com, Settings, API), "
    "and accept the dataset's terms there."
)


class _Wanted(NamedTuple):
    """One file of a dataset, and where it goes."""

    source: str
    kaggle: Kaggle
    file: str
    target: Path

    @property
    def handle(self) -> str:
        return f"{self.kaggle.handle}/versions/{self.kaggle.version}"

    def entry(self, digest: str, size: int) -> dict[str, Any]:
        """What the record says of it."""
        pin = {"name": self.source, "handle": self.kaggle.handle, "version": self.kaggle.version, "file": self.file}
        return {**pin, "sha256": digest, "bytes": size}


def fetch(
    name: str,
    out: Path,
    *,
    numbers: str | None = None,
    version: int | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Iterator[tuple[Path, str]]:
    """Fetch a source's files into ``out/<source>``; yields each file's path and SHA-256.

    Args:
        name: ``faces``, ``health``, ``crimes`` or ``addresses``.
        out: folder; created if need be.
        numbers: faces only: SFHQ numbers, for example "7,44363"; by default "1-500".
        version: Kaggle's version of the dataset; by default the one in ``sources.yaml``.
        progress: called with (what, done, total).

    Raises:
        SourceError: the client is missing, credentials are refused, the file is not there, the network is down, the
            disk is full, or a file differs from what was fetched before. Files fetched until then stay.
    """
    info = source_info(name)
    if info.kaggle is None:
        raise SourceError(f"source {name!r} is made by fiubench; there is nothing to fetch")
    if version is not None and version < 1:  # the client would take the newest instead, and the record would lie
        raise SourceError(f"{version} is no version", where="--version", hint="Kaggle counts versions from 1.")
    kaggle = replace(info.kaggle, version=version or info.kaggle.version)
    files = _files(kaggle, numbers)
    record = _read_record(out)
    new: dict[str, Any] = {}
    saved = time.monotonic()
    try:
        for done, file in enumerate(files, 1):
            wanted = _Wanted(name, kaggle, file, out / name / Path(file).name)
            key = f"{name}/{wanted.target.name}"
            entry = _fetch_one(info, wanted, record.get(key), quiet=len(files) > 1)
            if entry != record.get(key):
                new[key] = entry
            if new and time.monotonic() - saved > _PATIENCE:  # not for each of 100,000 faces
                _save_record(out, new)
                saved = time.monotonic()
            if progress:
                progress(f"Fetching {name}", done, len(files))
            yield wanted.target, entry["sha256"]
    finally:
        if new:
            _save_record(out, new)


def _fetch_one(info: SourceInfo, wanted: _Wanted, known: dict[str, Any] | None, *, quiet: bool) -> dict[str, Any]:
    """The file's entry in the record, once it lies in its place."""
    if known and known == wanted.entry(known["sha256"], known.get("bytes", 0)):
        if _digest(wanted.target) == known["sha256"]:
            return known
        expected = known["sha256"]
    else:
        expected = None  # another version, or nothing yet
    return _place(_download(info, wanted, quiet=quiet), wanted, expected)


def _files(kaggle: Kaggle, numbers: str | None) -> list[str]:
    if "{number" not in kaggle.files:
        if numbers is not None:
            raise SourceError("only faces have numbers", where="--numbers", hint="Leave it out.")
        return [kaggle.files]
    chosen: list[int] = []
    for piece in (NUMBERS if numbers is None else numbers).split(","):
        match = _RANGE.fullmatch(piece.strip())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if last < first:
            raise SourceError(
                f"{piece.strip()!r} is no number or range", where="--numbers", hint=f"For example {NUMBERS} or 7,44363."
            )
        if len(chosen) + last - first >= _MOST:
            raise SourceError(
                f"{numbers!r} is more than {_MOST:,} files", where="--numbers", hint="Part 1 of SFHQ has 89,785."
            )
        chosen += range(first, last + 1)
    return [kaggle.files.format(number=number) for number in dict.fromkeys(chosen)]


def _download(info: SourceInfo, wanted: _Wanted, *, quiet: bool) -> Path:
    """The file in the client's own cache."""
    try:
        import kagglehub  # noqa: PLC0415
    except ImportError as error:
        raise SourceError(
            "kagglehub is not installed", hint=f"pip install 'fiubench[kaggle]'. {_by_hand(info, wanted)}"
        ) from error
    try:
        with _silence(quiet=quiet):
            fetched = Path(kagglehub.dataset_download(wanted.handle, path=wanted.file))
    except Exception as error:  # the client raises its own, requests' and the operating system's
        raise _readable(error, info, wanted) from error
    if not fetched.is_file():
        raise SourceError(f"Kaggle sent no file for {wanted.file!r}", where=wanted.handle, hint=_by_hand(info, wanted))
    return fetched


@contextmanager
def _silence(*, quiet: bool) -> Iterator[None]:
    """Keep the client off stdout, which is ours: it logs there, and where it is verbose prints its credentials.

    Its progress bar goes to stderr; it is of use for one large file on a terminal, and a nuisance for many small ones.
    """
    log = logging.getLogger("kagglehub")  # its handler holds the stdout of when it was imported
    level = log.level
    with ExitStack() as stack:
        stack.callback(log.setLevel, level)
        log.setLevel(logging.CRITICAL)
        stack.enter_context(redirect_stdout(io.StringIO()))
        if quiet or not sys.stderr.isatty():
            stack.enter_context(redirect_stderr(io.StringIO()))
        yield


def _place(fetched: Path, wanted: _Wanted, expected: str | None) -> dict[str, Any]:
    """Copy the bytes to the target under the name that is ours, whatever an archive says.

    Raises:
        SourceError: they are not the expected ones (the target is left as it was), or can't be written.
    """
    hasher, size = sha256(), 0
    try:
        make_folder(wanted.target.parent)
        with atomic_writer(wanted.target) as out, _open(fetched, wanted.target.name) as source:
            while data := source.read(_CHUNK):
                out.write(data)
                hasher.update(data)
                size += len(data)
            if expected not in (None, hasher.hexdigest()):
                raise SourceError(
                    f"is another file than before (SHA-256 {hasher.hexdigest()[:12]}, then {expected[:12]})",
                    where=wanted.target,
                    hint="A version on Kaggle does not change, so find out why before its entry is taken out of "
                    f"{RECORD}. The client keeps its copy at {fetched}.",
                )
    except _DAMAGED as error:
        raise SourceError(
            f"an archive that can't be unpacked: {error}", where=fetched, hint="Remove it and run the command again."
        ) from error
    except DatasetError as error:  # its hint is for builds
        raise SourceError(
            error.what,
            where=error.where,
            hint="Free some space, mend the permissions or choose another --out; what is fetched already stays.",
        ) from error
    return wanted.entry(hasher.hexdigest(), size)


@contextmanager
def _open(fetched: Path, name: str) -> Iterator[IO[bytes]]:
    """The file, or the one of that name inside it: Kaggle packs some single files."""
    with fetched.open("rb") as file:
        packed = file.read(len(_ZIP)) == _ZIP
        file.seek(0)
        if not packed:
            yield file
            return
        with zipfile.ZipFile(file) as archive:
            members = [member for member in archive.namelist() if Path(member).name == name]
            if len(members) != 1:
                raise SourceError(
                    f"an archive with {len(members)} files called {name!r}",
                    where=fetched,
                    hint="Look into it, and put the right file in place by hand.",
                )
            with archive.open(members[0]) as member:
                yield member


def _readable(error: Exception, info: SourceInfo, wanted: _Wanted) -> SourceError:
    """What the client's error means. Its own text is never shown: it may quote a header that holds the key."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    kind = type(error).__name__
    kinds = {base.__name__ for base in type(error).__mro__}
    again = "run the command again: it goes on where it stopped."
    if status in (401, 403) or kind in ("CredentialError", "UnauthenticatedError"):
        what, hint = "Kaggle wants credentials, or refuses the ones it got", _CREDENTIALS
    elif status == 404:
        what = f"Kaggle has no {wanted.file!r} in {wanted.handle}"
        hint = f"Try another --version{' or other --numbers' if wanted.source == 'faces' else ''}."
    elif status is not None and (status == 429 or status >= 500):
        what, hint = f"Kaggle does not serve it now (status {status})", f"Wait a little and {again}"
    elif kinds & _BROKEN:
        what, hint = "Kaggle can't be reached, or the transfer broke off", f"Check the network and {again}"
    elif kind in _UNUSABLE:
        what, hint = "Kaggle's client can't use the credentials that it finds", _CREDENTIALS
    elif isinstance(error, OSError) and error.strerror:
        what = f"Kaggle's client can't store it: {error.strerror}"
        hint = f"Free some space, or name another folder for it with KAGGLEHUB_CACHE, and {again}"
    else:
        what, hint = f"Kaggle's client failed ({kind}{f', status {status}' if status else ''})", "Update kagglehub."
    return SourceError(what, where=f"{wanted.handle}: {wanted.file}", hint=f"{hint} {_by_hand(info, wanted)}")


def _by_hand(info: SourceInfo, wanted: _Wanted) -> str:
    return f"By hand: download it from {info.url} and put it at {wanted.target}."


def _digest(target: Path) -> str | None:
    try:
        return file_digest(target) if target.is_file() else None
    except OSError as error:
        raise SourceError(
            f"cannot be read: {error.strerror}", where=target, hint="Check the file's permissions."
        ) from error


def _read_record(out: Path) -> dict[str, dict[str, Any]]:
    path = out / RECORD
    hint = "Remove it; files are fetched again."
    try:
        record = orjson.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):  # the second is told when the folder is made
        return {}
    except (OSError, orjson.JSONDecodeError) as error:
        raise SourceError(f"can't be read: {error}", where=path, hint=hint) from error
    entries = list(record.values()) if isinstance(record, dict) else [None]
    if not all(isinstance(entry, dict) and isinstance(entry.get("sha256"), str) for entry in entries):
        raise SourceError("is no record of fetched files", where=path, hint=hint)
    return dict(record)


def _save_record(out: Path, new: dict[str, Any]) -> None:
    # read again: another source may be on its way into the same folder
    write_atomic(out / RECORD, readable_json({**_read_record(out), **new}))
