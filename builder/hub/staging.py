"""The stage: a folder with exactly the files of a release, made from a dataset, and proved before anything is sent."""

import os
import re
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

from fiubench.builder.audit import audit
from fiubench.builder.audit.registry import declared_measures
from fiubench.builder.audit.report import Report
from fiubench.builder.audit.terminal import limits_text, value_text
from fiubench.builder.dataset.intact import on_disk
from fiubench.builder.dataset.reading import Dataset, open_dataset
from fiubench.builder.hub.proof import prove
from fiubench.builder.release.again import release_problems
from fiubench.builder.release.licenses import how_to_license
from fiubench.builder.release.publication import Publication
from fiubench.builder.release.stage import write_stage
from fiubench.raw_sources.source import EMBEDDED
from fiubench.support.errors import ConfigError, DatasetError, Refused, did_you_mean
from fiubench.support.files import held, make_folder, scratch_folder, write_error

_STAGE = ".publish"
_MOST_FILES = 25_000  # in LFS that the Hub takes in a commit
_MOST_NAMED = 5


class Stage(NamedTuple):
    """A staged release: path in the release -> file, and what was proved of it, one line each."""

    files: Mapping[str, Path]
    proofs: Sequence[str]


def check_untouched(dataset: Dataset) -> None:
    """Nothing, if every file of a dataset is as it was built.

    Raises:
        Refused: one is not; it is named.
    """
    if touched := list(islice(chain(on_disk(dataset), release_problems(dataset)), _MOST_NAMED + 1)):
        more = " and more" if len(touched) > _MOST_NAMED else ""
        raise Refused(
            f"changed since it was built: {'; '.join(touched[:_MOST_NAMED])}{more}",
            where=dataset.directory,
            hint="Releases are never edited by hand. `fiubench build --resume` makes lost files again, "
            "--overwrite makes all of them.",
        )


@contextmanager
def staged(
    directory: Path,
    publication: Publication,
    sources: Mapping[str, Any],
    *,
    accept: Collection[str] = (),
    proved: bool = True,
) -> Iterator[Stage]:
    """Stage a dataset under a name and a version, and prove that it loads. The stage is gone when the block ends.

    The dataset was found untouched (:func:`check_untouched`). A stage that is only compared need not be ``proved``.

    Args:
        sources: what manifest and card say of the sources (see :func:`licensed_sources`).
        accept: measures of the audit that may fail; those that do are told in card and manifest.

    Raises:
        ConfigError: there is no such measure.
        Refused: it was edited after the build, fails the audit, does not load, or names something of this machine.
        DatasetError: it is damaged.
    """
    for name in accept:
        if name not in (known := declared_measures()):
            raise ConfigError(f"no measure {name!r}", where="--accept", hint=did_you_mean(name, known))
    with _folder(directory) as folder:
        # what is only compared must have the same card, but nobody looks at the faces again
        report = audit(directory, faces=proved, embed=False)
        publication = _accepting(publication, report, accept)
        manifest = write_stage(open_dataset(directory), folder, publication, report.tables.get("guesses"), sources)
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        files = {path.relative_to(folder).as_posix(): path for path in paths}
        _check_private(files, directory)
        if len(files) > _MOST_FILES:
            raise Refused(f"{len(files)} files are more than the Hub takes in a commit", where=directory)
        accepted = [each["measure"] for each in publication.accepted]
        yield Stage(files, _proofs(directory, folder, manifest, report, accepted) if proved else ())


def _accepting(publication: Publication, report: Report, accept: Collection[str]) -> Publication:
    """The release with those failures that are accepted; of one that was begun before, they are known."""
    if publication.accepted:
        return publication
    declared = declared_measures()
    accepted = []
    for result in report.failures:
        if result.name in accept:
            measure = declared[result.name]
            found = f"{value_text(result)} (it {limits_text(measure)})"
            accepted.append({"measure": result.name, "title": measure.title, "found": found})
    return replace(publication, accepted=accepted)


def _proofs(
    directory: Path, folder: Path, manifest: Mapping[str, Any], report: Report, accepted: Collection[str]
) -> list[str]:
    """What holds of a release, one line each; whatever does not is refused."""
    if failing := [measure.name for measure in report.failures if measure.name not in accepted]:
        hint = "`fiubench audit` shows where and how; --accept MEASURE publishes all the same, and says so in the card."
        raise Refused(f"fails the audit: {', '.join(failing)}", where=directory, hint=hint)
    return [*prove(folder, manifest), f"audit: {report.verdict_line}"]


def licensed_sources(dataset: Dataset, about: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """The sources of a dataset as the manifest and the card of its release have them.

    Args:
        about: source -> title and licence that it has there instead of those of the build.

    Raises:
        ConfigError: one that the dataset was not made from a file of is described.
        Refused: a file or folder that was given has no licence.
    """
    sources = dict(dataset.manifest["sources"])
    given = [name for name, source in sources.items() if source["file"] != EMBEDDED]
    for name, said in about.items():
        if name not in given:
            kind = next(iter(said))
            what = f"--{name}-{kind} is about a file or folder, and the dataset was made without one"
            raise ConfigError(what, where=dataset.directory, hint=f"It was made from {', '.join(given) or 'none'}.")
        sources[name] = {**sources[name], **said}
    for name in given:
        if not sources[name]["license"]:
            declared = name in {table["table"] for table in dataset.manifest.get("tables", ())}
            what = f"nothing says under which license {sources[name]['title']!r} may be passed on"
            raise Refused(what, where=f"{dataset.directory}: {name}", hint=how_to_license(name, declared))
    return sources


@contextmanager
def _folder(directory: Path) -> Iterator[Path]:
    """A folder beside the dataset's files, where they can be linked; elsewhere if the dataset can't be written to."""
    if not os.access(directory, os.W_OK):
        with scratch_folder() as folder:
            yield folder
        return
    stage = directory / _STAGE
    refusal = DatasetError("is being published by another process", where=directory, hint="Wait for it to end.")
    try:
        with held(stage / "lock", refusal):
            shutil.rmtree(stage / "files", ignore_errors=True)  # of a run that was killed
            try:
                yield make_folder(stage / "files")
            finally:
                shutil.rmtree(stage, ignore_errors=True)
    except OSError as error:
        raise write_error(error, directory) from error


def _check_private(files: Mapping[str, Path], directory: Path) -> None:
    """Refuse text that names a folder of this machine, and with it its user."""
    folders = {str(directory.resolve()), str(Path.home()), str(Path.cwd())} - {"/"}
    for name, path in files.items():
        if path.suffix == ".parquet":
            continue  # the same text stands in full.json
        content = path.read_bytes()
        for folder in sorted(folders):
            # a whole path: neither the end of an address nor the beginning of another name
            if re.search(rb"(?<![\w.-])" + re.escape(folder.encode()) + rb"(?![\w-])", content):
                raise Refused(f"{name} names a folder of this machine ({folder})", where=directory,
                              hint="Build from files with neutral names.")  # fmt: skip
