"""Which files of a folder of faces there are to look at, links and hidden files included in the count."""

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

from fiubench.support.errors import SourceError

LABELS, ABOUT = "faces.csv", "source.yaml"  # what is written about the pictures, beside them
_NO_FACES = {"segmentations", "landmarks", "pretrained_features"}  # SFHQ ships these beside images/
_SFHQ = re.compile(r"SFHQ_pt([0-9]+)_([0-9]{8})(?![0-9])")
_NUMBER = re.compile(r"[0-9]{8}")
LINK_OUT = "link that leads out of the folder (--follow-links follows it)"
LINK_TO_NOTHING = "link that leads to no file"


class Folder(NamedTuple):
    """The files of a folder in the order of their paths, and why others are passed over."""

    files: list[Path]
    passed_over: Counter[str]


def files_of(folder: Path, *, follow_links: bool = False) -> Folder:
    """Every file in a folder and below it, whatever its name says; hidden ones are none.

    Args:
        follow_links: whether links are followed that lead out of the folder, as those of a snapshot of a hub do.

    Raises:
        SourceError: no such folder, it can't be read, or there is no file in it.
    """
    try:
        if folder.is_file():
            hint = "Give the unpacked folder that holds the images."
            raise SourceError("is a file, not a folder", where=folder, hint=hint)
        if not folder.is_dir():
            raise SourceError("no such folder", where=folder, hint="Check the path, or use 'embedded' or 'none'.")
        passed_over: Counter[str] = Counter()
        found = list(_walk(folder, follow_links, passed_over))
    except OSError as error:
        where = error.filename or folder
        raise SourceError(f"can't be read: {error.strerror}", where=where, hint="Mend the permissions.") from error
    if not found:
        hint = "JPEG or PNG files are expected, in it or below it."
        if passed_over[LINK_OUT]:
            hint = f"{passed_over[LINK_OUT]} links lead out of it: add --follow-links to follow them."
        raise SourceError("no images in this folder", where=folder, hint=hint)
    return Folder(sorted(found, key=lambda path: path.relative_to(folder).parts), passed_over)


def _walk(folder: Path, follow_links: bool, passed_over: Counter[str]) -> Iterator[Path]:
    inside, entered = folder.resolve(), {os.path.realpath(folder)}

    def stop(error: OSError) -> NoReturn:
        raise error

    for directory, folders, names in os.walk(folder, onerror=stop, followlinks=follow_links):
        folders[:] = [name for name in sorted(folders) if name not in _NO_FACES and not name.startswith(".")]
        for name in sorted(folders):
            path = Path(directory, name)
            if path.is_symlink() and not follow_links:
                if not _leads_into(path, inside):  # what is below the folder is met there
                    passed_over[LINK_OUT] += 1
            elif (real := os.path.realpath(path)) in entered:
                folders.remove(name)  # a circle of links
            else:
                entered.add(real)
        for name in names:
            path = Path(directory, name)
            if name.startswith(".") or (name in (LABELS, ABOUT) and Path(directory) == folder):
                continue
            if path.is_symlink() and not follow_links and not _leads_into(path, inside):
                passed_over[LINK_OUT] += 1
            elif path.is_file():
                yield path
            elif path.is_symlink():
                passed_over[LINK_TO_NOTHING] += 1


def _leads_into(path: Path, folder: Path) -> bool:
    # realpath, for Path.resolve() raises where a link leads to itself
    return Path(os.path.realpath(path)).is_relative_to(folder)


def sfhq_number(stem: str) -> tuple[str, str | None]:
    """Part and number that SFHQ's naming gives a file, from its name without extension; no number for other names.

    >>> sfhq_number("SFHQ_pt1_00044363"), sfhq_number("00044363"), sfhq_number("holiday")
    (('1', '00044363'), ('0', '00044363'), ('0', None))
    """
    if match := _SFHQ.search(stem):
        return match[1], match[2]
    return ("0", stem) if _NUMBER.fullmatch(stem) else ("0", None)


def is_sfhq(folder: Path, files: Sequence[Path]) -> bool:
    """Whether the faces of a folder are called as SFHQ's are, but for one in twenty.

    SFHQ's names are SFHQ_pt1_00044363.jpg, or 00044363.jpg below a folder that has SFHQ in its name.
    """
    inside = folder.resolve()

    def called_so(file: Path) -> bool:
        folders = Path(inside.name, file.relative_to(folder)).parent
        return bool(_SFHQ.search(file.stem) or (_NUMBER.fullmatch(file.stem) and "sfhq" in str(folders).casefold()))

    return 20 * sum(map(called_so, files)) >= 19 * len(files)
