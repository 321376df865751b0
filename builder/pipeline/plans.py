"""Plans: all that is global of a build, in files that any process or machine makes its parts from.

A plan holds the settings, the packs, the sources as they were read, and who gets what. It is JSON, Arrow and numpy
arrays, never code. It lies in ``.build/`` of the dataset's folder, or under an URL that fsspec knows (``s3://..``).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path, PurePath
from typing import Any, cast

import numpy as np
import orjson
import pyarrow as pa
from fiubench.builder.audit.membership import Membership
from fiubench.builder.config import Config, make_config, settings_of
from fiubench.builder.dataset.cells import Cells
from fiubench.builder.generation.inputs import Inputs
from fiubench.builder.generation.pairing import Offenses, Plan
from fiubench.builder.generation.paraphrases import Paraphrases
from fiubench.builder.generation.sources import Sources
from fiubench.builder.generation.ties import Kin, Ties
from fiubench.builder.packs.attributes import packs_of
from fiubench.builder.pipeline.work import Work
from fiubench.builder.release.pieces import Cut
from fiubench.raw_sources.source import SOURCES, Context
from fiubench.raw_sources.table import Face, FaceTable, FileTable, Origin, Report, Table
from fiubench.schemas.documents import WORDINGS, read_bytes
from fiubench.support.canonical import digest_of, file_digest, readable_json
from fiubench.support.errors import ConfigError, DatasetError
from fiubench.support.files import atomic_writer, copy, make_folder, write_atomic
from fiubench.support.version import __version__

PLAN, ARRAYS, SOURCE_FOLDER = "plan.json", "arrays.npz", "sources"
_BEYOND = ("gender", "name_rank", "row")
_OF_PLAN = ("gender", "birth", "name_rank", "phone")
_OF_FACE = ("unique_id", "gender", "age", "width", "height", "format", "plain", "under_20")
_AGAIN = "Plan it again: `fiubench plan --overwrite`."


def save_plan(work: Work) -> None:
    """Write the plan into the work's folder.

    Raises:
        ConfigError: a source of a plug-in's makes a table that can't be written down.
        DatasetError: it can't be written.
    """
    assert work.cut is not None
    inputs, sources, files = work.inputs, work.inputs.sources, [ARRAYS]
    arrays = {**_arrays_of(work.plan), "cells": work.cut.numbers, "sides": work.cut.sides}
    make_folder(work.folder / SOURCE_FOLDER)
    for name, table in sources.tables.items():
        if isinstance(table, FileTable):
            files.append(f"{SOURCE_FOLDER}/{name}.arrow")
            _write_table(table, work.folder / files[-1])
            if table.records is not None:
                arrays[f"records/{name}"] = table.records
        restored = _table(inputs.config, name, table if isinstance(table, FileTable) else None)
        if type(restored) is not type(table):
            what = f"the table of source {name!r} is of a kind of its own, and can't be written into a plan"
            raise ConfigError(what, where=f"--{name}", hint="Build it with --executor local, or give it `restored`.")
    with atomic_writer(work.folder / ARRAYS) as file:
        np.savez(file, allow_pickle=False, **arrays)
    if work.paraphrases is not None:
        copy(work.paraphrases.path, work.folder / WORDINGS)
        files.append(WORDINGS)
    document = {
        "fiubench_version": __version__,
        "fingerprint": inputs.fingerprint(),
        "config": inputs.config.as_dict(),
        "packs": [{"file": pack.file, "content": pack.document} for pack in inputs.attributes.packs],
        "tables": [
            {"table": table.name, "file": table.declared_in, "content": table.document}
            for table in inputs.attributes.tables.values()
        ],
        "plugins": inputs.plugins(),
        "frozen": inputs.frozen,
        "words_from": dict(inputs.words_from),
        "origin": dict(work.origin),
        "about": {name: dict(about) for name, about in sources.about.items()},
        "sources": [[name, _said(table)] for name, table in sources.tables.items()],
        "drawn": sources.drawn,
        "faces": None if sources.faces is None else _faces_document(sources.faces),
        "cells": [work.cut.cells.labels, work.cut.cells.splits, list(work.cut.cells.configs.items())],
        "members": [work.cut.members.learned, work.cut.members.applied, work.cut.members.has_splits],
        "parts": work.parts,
        "files": {name: file_digest(work.folder / name) for name in files},
    }
    write_atomic(work.folder / PLAN, readable_json({**document, "digest": digest_of(document)}))


def read_plan(folder: Path, location: str) -> Work:
    """The plan in a folder, but for its splits, which only ``finish`` writes.

    Raises:
        DatasetError: there is none, it is damaged, or of another version of fiubench.
        ConfigError: a plug-in that it was made with is not loaded.
    """
    document = _document(folder)
    config = make_config(settings_of(document["config"]), where=str(folder / PLAN))
    attributes = packs_of(document)
    tables: dict[str, Table] = {}
    with np.load(folder / ARRAYS, allow_pickle=False) as stored:
        arrays = dict(stored)
    for name, said in document["sources"]:
        if (path := folder / SOURCE_FOLDER / f"{name}.arrow").exists():
            with pa.memory_map(str(path)) as source:
                data = pa.ipc.open_file(source).read_all()
            read = FileTable(_origin(said), _report(said), said["types"], data, arrays.get(f"records/{name}"))
            tables[name] = _table(config, name, read)
        else:
            tables[name] = _table(config, name, None)
    faces = document["faces"] and _faces(document["faces"])
    sources = Sources(tables, faces, document["drawn"], attributes.tables, document["about"])
    inputs = Inputs(config, attributes, sources, document["frozen"], document["words_from"], document["fingerprint"])
    if inputs.plugins() != document["plugins"]:
        named = ", ".join(sorted(document["plugins"])) or "none"
        raise ConfigError(f"the plan was made with these plug-ins: {named}", where=folder, hint="Load them: --plugin.")
    plan = _plan(inputs, arrays)
    learned, applied, has_splits = document["members"]
    members = Membership(learned, applied, frozenset() if has_splits else None, frozenset())
    labels, splits, configs = document["cells"]
    cut = Cut(Cells(labels, splits, {}, dict(configs)), members, arrays["cells"], arrays["sides"])
    words = Paraphrases(folder / WORDINGS) if WORDINGS in document["files"] else None
    parts = [(first, last) for first, last in document["parts"]]
    return Work(inputs, plan, folder, parts, cut=cut, paraphrases=words, origin=document["origin"], location=location)


def plan_files(folder: Path) -> list[str]:
    """The files beside a ``plan.json``.

    Raises:
        DatasetError: it is damaged.
    """
    try:
        files = [str(name) for name in orjson.loads(read_bytes(folder / PLAN))["files"]]
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"the plan is damaged: {PLAN}", where=folder, hint=_AGAIN) from error
    if any(PurePath(name).is_absolute() or ".." in PurePath(name).parts for name in files):
        raise DatasetError("the plan is damaged: it names files outside it", where=folder, hint=_AGAIN)
    return files


def _document(folder: Path) -> dict[str, Any]:
    """What ``plan.json`` says, if it and the files beside it are whole."""
    if not (folder / PLAN).is_file():
        raise DatasetError("holds no plan", where=folder, hint="`fiubench plan` makes one.")
    try:
        document = cast("dict[str, Any]", orjson.loads(read_bytes(folder / PLAN)))
        whole = document.pop("digest") == digest_of(document)
    except (ValueError, KeyError, TypeError, AttributeError):
        whole = False
    if whole and document["fiubench_version"] != __version__:
        what = f"the plan was made by fiubench {document['fiubench_version']}, and this is {__version__}"
        raise DatasetError(what, where=folder, hint="Every machine needs the same version.")
    damaged = [PLAN] if not whole else [n for n, sha256 in document["files"].items() if _other(folder / n, sha256)]
    if damaged:
        raise DatasetError(f"the plan is damaged: {damaged[0]}", where=folder, hint=_AGAIN)
    return document


def _other(path: Path, sha256: str) -> bool:
    return not path.is_file() or file_digest(path) != sha256


def _arrays_of(plan: Plan) -> dict[str, Any]:
    arrays = {name: getattr(plan, name) for name in _OF_PLAN}
    arrays |= {f"rows/{name}": rows for name, rows in plan.rows.items()}
    arrays["unique_id"] = np.frombuffer("\n".join(plan.unique_id).encode(), dtype=np.uint8)
    if plan.face is not None:
        arrays["face"] = plan.face
    if plan.offense is not None:
        arrays |= {"offense/days": plan.offense.days, "offense/redrawn": plan.offense.redrawn}
    if plan.kin is not None:
        arrays |= {f"ties/{kind}/{name}": array for kind, ties in plan.kin.ties.items()
                   for name, array in ties._asdict().items()}  # fmt: skip
        arrays |= {f"beyond/{name}": getattr(plan.kin, name) for name in _BEYOND}
    return arrays


def _plan(inputs: Inputs, arrays: Mapping[str, Any]) -> Plan:
    rows = {key.removeprefix("rows/"): array for key, array in arrays.items() if key.startswith("rows/")}
    offense = Offenses(arrays["offense/days"], arrays["offense/redrawn"]) if "offense/days" in arrays else None
    return Plan(
        inputs.config,
        inputs.sources,
        rows=rows,
        face=arrays.get("face"),
        unique_id=arrays["unique_id"].tobytes().decode().split("\n"),
        offense=offense,
        frozen=inputs.frozen,
        kin=_kin(arrays),
        **{name: arrays[name] for name in _OF_PLAN},
    )


def _kin(arrays: Mapping[str, Any]) -> Kin | None:
    kinds = [key.split("/")[1] for key in arrays if key.startswith("ties/") and key.endswith("/partner")]
    if not kinds:
        return None
    ties = {kind: Ties(*(arrays[f"ties/{kind}/{name}"] for name in Ties._fields)) for kind in kinds}
    return Kin(ties, *(arrays[f"beyond/{name}"] for name in _BEYOND))


def _write_table(table: FileTable, path: Path) -> None:
    data = table.data.combine_chunks()  # a file of Arrow has one dictionary a column
    with atomic_writer(path) as file, pa.ipc.new_file(file, data.schema) as writer:
        writer.write_table(data)


def _table(config: Config, name: str, read: FileTable | None) -> Table:
    """A table as its source hands it out: of what it read, or generated."""
    if read is None:
        return SOURCES[name].generate(Context(config.today, config.seed))
    return SOURCES[name].restored(read) if name in SOURCES else read


def _said(table: Table | FaceTable) -> dict[str, Any]:
    return {
        "origin": asdict(table.origin),
        "report": vars(table.report),
        "types": {} if isinstance(table, FaceTable) else dict(table.types),
    }


def _origin(said: Mapping[str, Any]) -> Origin:
    return Origin(**said["origin"])


def _report(said: Mapping[str, Any]) -> Report:
    report = said["report"]
    counted = {name: Counter(report[name]) for name in ("repaired", "dropped")}
    return Report(**{**report, **counted})


def _faces_document(faces: FaceTable) -> dict[str, Any]:
    return {**_said(faces), "folder": str(faces.folder), "faces": [_row_of(face) for face in faces.faces]}


def _row_of(face: Face) -> list[Any]:
    return [str(face.file), *(getattr(face, name) for name in _OF_FACE), [_row_of(other) for other in face.others]]


def _face(row: Sequence[Any]) -> Face:
    file, *rest, others = row
    return Face(Path(file), **dict(zip(_OF_FACE, rest, strict=True)), others=tuple(map(_face, others)))


def _faces(said: Mapping[str, Any]) -> FaceTable:
    """The faces; what they look like has decided which were chosen, and is not kept."""
    faces = tuple(map(_face, said["faces"]))
    shapes = np.zeros((len(faces), 0), dtype=np.float32)
    return FaceTable(_origin(said), _report(said), faces, Path(said["folder"]), shapes)
