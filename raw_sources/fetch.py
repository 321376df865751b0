"""Fetching sources from Kaggle with its own client ``kagglehub`` (extra ``kaggle``).

What to fetch is declared in ``sources.yaml``: dataset handle, the version that is asked for, file names. Of the faces
single files are fetched, since a part of SFHQ is tens of gigabytes. Every file's SHA-256 is kept in ``fetched.json``;
a file that is there already is not fetched again.
"""

import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import orjson

from raw_sources.registry import Kaggle, SourceInfo, source_info
from support.canonical import file_digest, readable_json
from support.errors import SourceError
from support.files import atomic_writer, make_folder, write_atomic

RECORD = "fetched.json"
_RANGE = re.compile(r"(\d{1,8})(?:-(\d{1,8}))?")
_MOST = 200_000
_CHUNK = 1 << 20


def fetch(
    name: str,
    out: Path,
    *,
    numbers: str = "1-500",
    version: int | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Iterator[tuple[Path, str]]:
    """Fetch a source's files into ``out/<source>``; yields each file's path and SHA-256.

    Args:
        name: ``faces``, ``health``, ``crimes`` or ``addresses``.
        out: folder; created if need be.
        numbers: faces only: SFHQ numbers, for example "1-500" or "7,44363".
        version: Kaggle's version of the dataset; by default the one in ``sources.yaml``.
        progress: called with (what, done, total).

    Raises:
        SourceError: the client is missing, credentials are refused, the file is not there, the network is down,
            or a file differs from what was fetched before.
    """
    info = source_info(name)
    if info.kaggle is None:
        raise SourceError(f"source {name!r} is made by fiubench; there is nothing to fetch")
    files = _files(info.kaggle, numbers)
    handle = f"{info.kaggle.handle}/versions/{version or info.kaggle.version}"
    folder = make_folder(out / name)
    for done, file in enumerate(files, 1):
        key = f"{handle}/{file}"
        target = folder / Path(file).name
        known = _record(out).get(key)
        if not (known and target.is_file() and file_digest(target) == known["sha256"]):
            _download(info, handle, file, target)
        sha256 = file_digest(target)
        if known and known["sha256"] != sha256:
            raise SourceError(
                f"is another file than before (SHA-256 {sha256[:12]}, then {known['sha256'][:12]})",
                where=target,
                hint=f"A version on Kaggle does not change: find out why, then remove its entry in {out / RECORD}.",
            )
        _remember(out, key, {"file": f"{name}/{target.name}", "sha256": sha256, "bytes": target.stat().st_size})
        if progress:
            progress(f"Fetching {name}", done, len(files))
        yield target, sha256


def _files(kaggle: Kaggle, numbers: str) -> list[str]:
    if "{number" not in kaggle.files:
        return [kaggle.files]
    chosen: list[int] = []
    for piece in numbers.split(","):
        match = _RANGE.fullmatch(piece.strip())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if last < first or len(chosen) + last - first >= _MOST:
            raise SourceError(
                f"{piece.strip()!r} is no number or range", where="--numbers", hint="For example 1-500 or 7,44363."
            )
        chosen += range(first, last + 1)
    return [kaggle.files.format(number=number) for number in dict.fromkeys(chosen)]


def _download(info: SourceInfo, handle: str, file: str, target: Path) -> None:
    try:
        import kagglehub  # noqa: PLC0415
    except ImportError as error:
        raise SourceError(
            "kagglehub is not installed", hint=f"pip install 'fiubench[kaggle]'. {_by_hand(info, target)}"
        ) from error
    try:
        fetched = Path(kagglehub.dataset_download(handle, path=file))
    except Exception as error:  # the client raises its own, requests' and the operating system's
        raise _readable(error, info, handle, file, target) from error
    if not fetched.is_file():
        raise SourceError(f"Kaggle sent no file for {file!r}", where=handle, hint=_by_hand(info, target))
    # only the bytes are taken: the name is ours, whatever an archive says
    with atomic_writer(target) as out, _open(fetched, target) as source:
        while data := source.read(_CHUNK):
            out.write(data)


@contextmanager
def _open(fetched: Path, target: Path) -> Iterator[IO[bytes]]:
    """The file, or the one inside: Kaggle packs some single files."""
    if target.suffix == ".zip" or not zipfile.is_zipfile(fetched):
        with fetched.open("rb") as file:
            yield file
        return
    with zipfile.ZipFile(fetched) as archive:
        names = [name for name in archive.namelist() if Path(name).name == target.name]
        if len(names) != 1:
            raise SourceError(f"an archive without {target.name!r}", where=fetched, hint="Unpack it by hand.")
        with archive.open(names[0]) as member:
            yield member


def _readable(error: Exception, info: SourceInfo, handle: str, file: str, target: Path) -> SourceError:
    status = getattr(getattr(error, "response", None), "status_code", None)
    kind = type(error).__name__
    if status in (401, 403) or "Credential" in kind or "Unauthenticated" in kind:
        what = "Kaggle wants credentials, or refuses the ones it got"
        hint = "Set KAGGLE_USERNAME and KAGGLE_KEY (kaggle.com, Settings, API), and accept the dataset's terms there. "
    elif status == 404:
        what, hint = f"Kaggle has no {file!r} in {handle}", "Try another --version or other --numbers. "
    elif "Connection" in kind or "Timeout" in kind or "ProxyError" in kind:
        what, hint = (
            "Kaggle can't be reached",
            "Check the network and run the command again: it goes on where it stopped. ",
        )
    elif isinstance(error, OSError) and error.strerror:
        what, hint = (
            f"can't be stored: {error.strerror}",
            "Free some space; KAGGLEHUB_CACHE names the client's own folder. ",
        )
    else:
        what, hint = f"Kaggle's client failed ({kind}{f', status {status}' if status else ''})", ""
    return SourceError(what, where=f"{handle}: {file}", hint=hint + _by_hand(info, target))


def _by_hand(info: SourceInfo, target: Path) -> str:
    return f"By hand: download it from {info.url} and put it at {target}."


def _record(out: Path) -> dict[str, Any]:
    path = out / RECORD
    if not path.exists():
        return {}
    try:
        record = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise SourceError(f"can't be read: {error}", where=path, hint="Remove it; files are fetched again.") from error
    return record if isinstance(record, dict) else {}


def _remember(out: Path, key: str, entry: dict[str, Any]) -> None:
    record = _record(out)
    if record.get(key) != entry:
        write_atomic(out / RECORD, readable_json({**record, key: entry}))
