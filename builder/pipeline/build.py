"""Building a dataset directory: plan, parts, finish. What is on disk under a final name is always whole."""

import hashlib
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from fiubench.builder.config import LLM, NO_FACES, TEMPLATE, Config, make_config
from fiubench.builder.dataset.intact import release_digests
from fiubench.builder.dataset.reading import Dataset, open_dataset
from fiubench.builder.generation.identities import IdentityMaker
from fiubench.builder.generation.inputs import Inputs, open_inputs
from fiubench.builder.generation.pairing import Plan, cut_splits
from fiubench.builder.generation.paraphrases import Paraphrases
from fiubench.builder.pipeline.executing import EXECUTORS, LOCAL, Executor
from fiubench.builder.pipeline.manifest import make_manifest
from fiubench.builder.pipeline.parts import HEADER, Part, blocks, make_parts
from fiubench.builder.pipeline.plans import save_plan
from fiubench.builder.pipeline.work import FOLDER, PARTS, Work
from fiubench.builder.release.pieces import Cut, ranges
from fiubench.raw_sources.reading.cells import FRAME
from fiubench.raw_sources.reading.frames import frames_as_files
from fiubench.schemas.documents import (
    BUILD_FILE,
    IDENTITIES,
    IMAGES,
    MANIFEST,
    RELEASE,
    RELEASE_WORDINGS,
    SPLITS,
    WORDINGS,
    read_object,
)
from fiubench.support.canonical import file_digest, readable_json
from fiubench.support.errors import DatasetError, FiubenchError
from fiubench.support.files import (
    PARTIAL,
    atomic_writer,
    copy,
    held,
    link_or_copy,
    make_folder,
    write_atomic,
)
from fiubench.support.progress import Progress

if TYPE_CHECKING:
    from fiubench.support.chat import Limits
    from fiubench.support.chat.report import Reasons, Report

_CHUNK = 1 << 20
_PREVIEWED = 500  # identities at a time
#: Everything a build makes: what ``overwrite`` may remove.
PRODUCTS = (MANIFEST, FOLDER, IDENTITIES, SPLITS, BUILD_FILE, IMAGES, RELEASE, WORDINGS)


@dataclass(frozen=True, repr=False)
class Summary:
    """What a build made: the directory, its manifest, and request statistics where a model was asked."""

    directory: Path
    manifest: dict[str, Any]
    events: Mapping[str, int] = field(default_factory=dict)
    notes: Sequence[str] = ()  # what was found out about the model's server

    @property
    def reasons(self) -> "Reasons":
        """Why templates stand where a model was asked: of every such pair, the last reason."""
        from fiubench.support.chat.report import Reasons  # noqa: PLC0415

        lines = Paraphrases(self.directory / WORDINGS).read(0, len(self.manifest["identities"]))
        return Reasons(why for line in lines for why in line["fallback"].values())

    @property
    def dataset(self) -> Dataset:
        """What was built, to read from."""
        return Dataset(self.directory)

    def __repr__(self) -> str:
        return f"{self.dataset!r}\n  digest {self.manifest['digests']['identities']}"


def open_build(config: Config, *, workers: int = 1, progress: Progress | None = None) -> Inputs:
    """What a build is made from (see ``open_inputs``); with ``--qa llm`` the prompts of the model are part of it."""
    prompts = ""
    if config.qa == LLM:
        from fiubench.builder.phrasings.paraphrasing import digest as prompts_digest  # noqa: PLC0415

        prompts = prompts_digest()
    return open_inputs(config, prompts=prompts, workers=workers, progress=progress)


def build(
    config: Config | Mapping[str, Any],
    out: str | Path,
    *,
    workers: int = 1,
    executor: str = LOCAL,
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
    limits: "Limits | None" = None,
) -> Summary:
    """Build a dataset directory.

    >>> print(build({"seed": 7, "identities": 200}, "dataset7", workers=2))          # doctest: +SKIP

    Args:
        config: what to build: settings by name (see :class:`~fiubench.builder.config.Config`), or checked ones. In the
            place of a source's file a ``pandas.DataFrame`` may stand.
        out: the directory; an existing one that is not empty is refused unless one of the next two is set.
        workers: processes or tasks that make identities; the bytes do not depend on it.
        executor: where they run (see :mod:`~fiubench.builder.pipeline.executing`); the bytes do not depend on it.
        resume: go on where a build of the same config stopped; a finished one is left as it is.
        overwrite: remove an earlier dataset first.
        progress: called with (what, done, total).
        limits: how a model is asked and how much it may cost, where the config says ``qa: llm``.

    Returns:
        A summary; its ``dataset`` is what was built.

    Raises:
        FiubenchError: bad input, or a folder or disk that can't be written to; a model that can't be asked.
    """
    chosen = EXECUTORS.find(executor, "--executor")
    with frames_as_files({} if isinstance(config, Config) else config) as settings:
        checked = config if isinstance(config, Config) else make_config(settings)
        check_out(Path(out), resume=resume, overwrite=overwrite)
        inputs = open_build(checked, workers=workers, progress=progress)
    return _built(inputs, Path(out), chosen, workers, resume, overwrite, progress, limits)


def _built(
    inputs: Inputs,
    out: Path,
    executor: Executor,
    workers: int,
    resume: bool,
    overwrite: bool,
    progress: Progress | None,
    limits: "Limits | None",
) -> Summary:
    """The dataset of these inputs in a folder."""
    if resume and (done := _finished(out, inputs)):
        return done
    with prepared(inputs, out, overwrite=overwrite, limits=limits, progress=progress) as (work, report):
        if executor.planned:
            save_plan(work)
        made = put_together(work, make_parts(work, executor, workers), out, progress)
    return made if report is None else replace(made, events=dict(sorted(report.events.items())), notes=report.notes)


@contextmanager
def prepared(
    inputs: Inputs, out: Path, *, overwrite: bool, limits: "Limits | None", progress: Progress | None
) -> Iterator[tuple[Work, "Report | None"]]:
    """What the parts of these inputs are made from, with the folder held; and what a model was asked, if it was.

    Raises:
        FiubenchError: see :func:`build`; nothing is left of what no resumed build could use.
    """
    config, plan = inputs.config, inputs.plan()
    paraphrases, origin = _kept_paraphrases(config, plan), {"file": Path(config.qa).name}
    splits = cut_splits(plan)
    cut = Cut.of(plan.unique_id, splits["splits"])  # what can fail on input has, and nothing has been written so far
    existed = out.exists()
    with claimed(out, inputs, anew=overwrite):
        try:
            report: Report | None = None
            if config.qa == LLM:
                paraphrases, origin, report = _asked_paraphrases(inputs, out, limits, progress)
            parts = ranges(plan.size)
            yield Work(inputs, plan, out / FOLDER, parts, splits, cut, paraphrases, origin, str(out)), report
        except FiubenchError:
            if not any((out / FOLDER / PARTS).glob(f"*/{HEADER}")):
                _clear(out)
                if not existed:
                    out.rmdir()
            raise


def records(config: Config, start: int = 0, stop: int | None = None) -> Iterator[dict[str, Any]]:
    """Identities ``start`` to ``stop`` of a config, one after the other, without writing anything."""
    inputs = open_inputs(config)
    plan = inputs.plan()
    last = plan.size if stop is None else min(stop, plan.size)
    maker = IdentityMaker(plan, inputs.attributes, _kept_paraphrases(config, plan))
    for block in blocks((start, last), _PREVIEWED):
        yield from maker.make(*block)


def preview(config: Config | Mapping[str, Any], identities: int = 3) -> list[dict[str, Any]]:
    """The first identities that a config makes, without writing anything; questions are phrased by templates.

    >>> print(preview({"seed": 7})[0]["caption"])                                    # doctest: +SKIP

    Args:
        config: as for :func:`build`.
        identities: how many.

    Raises:
        FiubenchError: bad input.
    """
    with frames_as_files(config.as_dict() if isinstance(config, Config) else config) as settings:
        return list(records(make_config(settings | few(identities)), stop=identities))


def few(identities: int) -> dict[str, Any]:
    """Settings that keep a preview small: as many as are shown, but two, so that one can be retained."""
    return {"identities": max(identities, 2), "holdout": 0, "ratios": [50], "split_scheme": "nested"}


def check_out(out: Path, *, resume: bool, overwrite: bool) -> None:
    """Refuse a folder that a dataset can't be made in.

    Raises:
        DatasetError: it holds something, or is no folder.
    """
    if resume and overwrite:
        raise DatasetError("--resume and --overwrite contradict each other", hint="Give one of them.")
    if out.exists() and not out.is_dir():
        raise DatasetError("is a file, not a folder", where=out, hint="Name a folder with --out.")
    try:
        entries = sorted(p.name for p in out.iterdir()) if out.exists() else []
    except OSError as error:
        raise DatasetError(f"cannot be read: {error.strerror}", where=out) from error
    if not entries:
        return
    if not (resume or overwrite):
        hint = "Add --resume to go on with an unfinished build, --overwrite to replace it, or name another --out."
        raise DatasetError("the folder is not empty", where=out, hint=hint)
    if not (out / MANIFEST).exists() and not (out / FOLDER).exists():
        what = f"holds something else than a fiubench dataset ({', '.join(entries[:3])} ...)"
        raise DatasetError(what, where=out, hint="It is left alone. Name another --out.")


def _clear(out: Path, but: Path | None = None) -> None:
    """Remove an earlier dataset, its manifest first, so that what is left is never taken for whole."""
    products = [out / name for name in PRODUCTS]
    if but is not None:
        products = [p for p in products if p != but.parent] + [p for p in but.parent.iterdir() if p != but]
    for path in products:
        try:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise DatasetError(f"cannot be removed: {error.strerror}", where=path) from error


@contextmanager
def claimed(out: Path, inputs: Inputs, *, anew: bool) -> Iterator[None]:
    """Hold the folder for this build alone; clear it of an earlier dataset, or of what a killed process left.

    Raises:
        DatasetError: another build is at it, has just finished in it, or has left other parts there.
    """
    lock = out / FOLDER / "lock"
    hint = "Wait for it to end, or name another --out."
    with held(lock, DatasetError("another build is running in this folder", where=out, hint=hint)):
        if anew:
            _clear(out, but=lock)
        elif (out / MANIFEST).exists():
            shutil.rmtree(out / FOLDER, ignore_errors=True)
            what = "another build has just finished in this folder"
            raise DatasetError(what, where=out, hint="Take it as it is, or replace it with --overwrite.")
        state = out / FOLDER / "state.json"
        fingerprint = inputs.fingerprint()
        if state.exists() and read_object(state).get("fingerprint") != fingerprint:
            what = "an unfinished build of other settings or sources is in this folder"
            hint = "Give the settings it was begun with (see build.yaml there), or --overwrite."
            raise DatasetError(what, where=out, hint=hint)
        write_atomic(state, readable_json({"fingerprint": fingerprint}))
        write_atomic(out / BUILD_FILE, _settings_file(inputs.config).encode())
        for leftover in out.glob(f".*{PARTIAL}"):
            leftover.unlink(missing_ok=True)
        yield


def _settings_file(config: Config) -> str:
    """The settings of a build, for another one; a data frame can't be named in a file."""
    note = "# `fiubench build --config build.yaml --out DIR` builds this again on this machine\n"
    settings = config.located().as_dict()
    for name in config.sources:
        if Path(settings[name]).name == FRAME:
            settings[name] = FRAME
            note = f"# built in Python with a {FRAME} as {name}: give `fiubench.build` an equal one to build it again\n"
    return note + yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)


def _finished(out: Path, inputs: Inputs) -> Summary | None:
    """The summary of a dataset that is finished already."""
    path = out / MANIFEST
    if not path.exists():
        return None
    manifest = open_dataset(out).manifest
    if manifest["fingerprint"] == inputs.fingerprint():
        if any(not (out / RELEASE / name).is_file() for name in manifest["release"]):
            from fiubench.builder.release import package  # noqa: PLC0415

            package(out, manifest)
            if "wordings" in manifest:
                publish_paraphrases(out)
        shutil.rmtree(out / FOLDER, ignore_errors=True)  # a build that was killed while it tidied up
        return Summary(out, manifest)
    hint = "Name another --out, or replace it with --overwrite."
    raise DatasetError("a finished dataset of other settings or sources is in this folder", where=out, hint=hint)


def _kept_paraphrases(config: Config, plan: Plan) -> Paraphrases | None:
    """The paraphrases of an earlier build, where the config names their file."""
    if config.qa in (TEMPLATE, LLM):
        return None
    paraphrases = Paraphrases(Path(config.qa))
    if len(paraphrases) < plan.size:
        hint = "It was made for a smaller dataset: build as many, or word them anew with --qa llm."
        raise DatasetError(f"words {len(paraphrases)} identities, {plan.size} are built", where=config.qa, hint=hint)
    return paraphrases


def _asked_paraphrases(
    inputs: Inputs, out: Path, limits: "Limits | None", progress: Progress | None
) -> tuple[Paraphrases, dict[str, Any], "Report"]:
    """Paraphrases by a model, what the manifest records of how they were made, and what people are told of it."""
    from fiubench.builder.phrasings.paraphrasing import ParaphraseJob  # noqa: PLC0415
    from fiubench.support.chat import Limits  # noqa: PLC0415

    path = out / FOLDER / WORDINGS
    job = ParaphraseJob(inputs, limits or Limits())
    origin = job.write(path, progress)
    return Paraphrases(path), origin, job.client.report


def put_together(work: Work, parts: Iterable[Part], out: Path, progress: Progress | None = None) -> Summary:
    """A dataset of its parts, which come in order: bytes are copied; the manifest is written last.

    Raises:
        DatasetError: the folder can't be written to, or nobody is outside the holdout.
    """
    from fiubench.builder.release import Packager  # noqa: PLC0415

    assert work.cut is not None
    plan, splits, config = work.plan, work.splits["splits"], work.inputs.config.public()
    whole, by_model = hashlib.sha256(), 0
    entries: list[list[str | None]] = []
    pictures: list[list[str]] = []
    if config["faces"] != NO_FACES:
        make_folder(out / IMAGES)
    with (
        atomic_writer(out / IDENTITIES) as target,
        Packager(out / RELEASE, work.cut.cells, work.cut.members, splits, config) as packager,
    ):
        for part in parts:
            with (part.folder / IDENTITIES).open("rb") as lines:
                for piece in iter(partial(lines.read, _CHUNK), b""):
                    whole.update(piece)
                    target.write(piece)
            for image in (*part.images, *part.further):
                link_or_copy(image, out / IMAGES / image.name)
            packager.add(part.folder, part.files, part.images)
            own = plan.unique_id[slice(*part.range)]  # the same strings: what everyone has is what memory grows by
            entries += [[who, *digests] for who, (_, *digests) in zip(own, part.entries, strict=True)]
            pictures += part.pictures
            by_model += part.by_model
            if progress:
                progress("Building", part.range[1], plan.size)
        write_atomic(out / SPLITS, readable_json(work.splits))
        sha256 = {"identities": whole.hexdigest(), "splits": file_digest(out / SPLITS)}
        manifest = make_manifest(work.inputs, plan, entries, sha256, pictures)
        if work.paraphrases is not None:
            by_template = manifest["counts"]["qa_pairs"] - by_model
            counts = {"by_model": by_model, "by_template": by_template}
            manifest["wordings"] = {"sha256": file_digest(work.paraphrases.path), **counts, **work.origin}
        packager.finish(manifest, plan.unique_id)
    if work.paraphrases is not None:
        copy(work.paraphrases.path, out / WORDINGS)
        publish_paraphrases(out)
    manifest["release"] = release_digests(out / RELEASE, packager.digests)
    write_atomic(out / MANIFEST, readable_json(manifest))
    shutil.rmtree(out / FOLDER, ignore_errors=True)  # only scratch: the manifest stands
    return Summary(out, manifest)


def publish_paraphrases(out: Path) -> None:
    """A release carries its paraphrases, so that it can be verified after a pull."""
    make_folder((out / RELEASE_WORDINGS).parent)
    link_or_copy(out / WORDINGS, out / RELEASE_WORDINGS)
