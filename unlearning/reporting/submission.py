"""A submission: everything that the runs of a method were asked and answered, in one file.

It is gzip over JSON lines: the first says what was made how, by digests, and what came out; the others are the rows of
the logs. Metrics are functions of logs, so that whoever has the file computes them anew without the model
(``checking.py``). A file is somebody else's: it is read within bounds, line by line, and as data alone.
"""

import gzip
import hashlib
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from math import isfinite
from pathlib import Path
from typing import Any, BinaryIO, cast

import orjson
import pyarrow as pa
from fiubench.support.canonical import canonical_line, digest_of
from fiubench.support.errors import DatasetError, FiubenchError, Refused
from fiubench.support.files import write_atomic
from fiubench.support.reading import open_file
from fiubench.support.version import __version__
from fiubench.unlearning.data.log import COLUMNS, ROLES, QuestionLog
from fiubench.unlearning.data.runs import Run
from fiubench.unlearning.evaluation.results import before_of
from fiubench.unlearning.evaluation.subject import load_log
from fiubench.unlearning.metrics.definition import Definition, find_definition
from fiubench.unlearning.reporting.trained import run_of_log
from fiubench.unlearning.training.manifest import determining
from fiubench.unlearning.training.settings import Training

from fiubench import schemas

FORMAT = 1
SUFFIX = ".jsonl.gz"
BEFORE, REFERENCE, RUN = "before", "reference", "run"  # what a log is of

_FIRST, _LINE, _WHOLE = 16 << 20, 1 << 18, 1 << 29  # bytes of the first line, of another, and of all, unpacked
_TEXT, _ITEMS = 20_000, 100  # characters of a text, texts of a list
_HUB = re.compile(r"[\w.-]+/[\w.-]+(@[\w.-]+)?")  # a dataset of the Hub: its name is no place on a machine
_SAID = ("metric_version", "splits", "complement", "attributes", "other_facts", "controls", "max_new_tokens")
_RUN = ("kind", "method", "variant", "seed", "digest", "modality", "trained_on", "base_fingerprint", "final", "step")


class SubmissionError(FiubenchError):
    """A file that is no submission, or is damaged."""

    exit_code = 1


@dataclass(frozen=True)
class Part:
    """A log of a submission with what made it."""

    part: str  # BEFORE, REFERENCE or RUN
    log: QuestionLog  # its metadata is without places
    made: Mapping[str, Any]  # what determines its run (:func:`~fiubench.unlearning.training.train.determining`)
    digest: str  # of its lines, as the file says
    found: str  # the same, as it is

    @property
    def name(self) -> str:
        """What messages call it."""
        seed = self.log.run["seed"]
        return f"the run of seed {seed}" if self.part == RUN else f"the {_NAMED[self.part]} (seed {seed})"


_NAMED = {BEFORE: "model before unlearning", REFERENCE: "retain reference"}


@dataclass(frozen=True)
class Submission:
    """A submission in memory, of the right form; whether it holds is for ``checking.py``."""

    header: Mapping[str, Any]  # ``schemas/submission.schema.json``
    parts: Sequence[Part]

    def of(self, part: str) -> list[Part]:
        """Logs of one kind."""
        return [one for one in self.parts if one.part == part]

    @property
    def label(self) -> str:
        """What tables call it."""
        return str(self.header["label"])

    @property
    def lines(self) -> Iterator[bytes]:
        """The content of its file, line by line."""
        yield canonical_line(self.header)
        for part in self.parts:
            yield from map(canonical_line, part.log.rows)


def collect(runs: Sequence[str | Path], reference: str | Path, definition: str | Definition) -> Submission:
    """The logs of evaluated runs of one method, with those of the models that they started from and of the reference.

    Its metrics are empty, and so is its digest.

    Raises:
        DatasetError: a run is not evaluated, or the model that it started from is not.
        RunError: one is no finished run.
        Refused: a setting names a place on this machine.
    """
    parts, befores = [], {}
    for target in runs:
        log, run = load_log(target), Run.open(target)
        assert log.where is not None
        before = before_of(log.where)
        base = None if before is None else run_of_log(before)
        if before is None or base is None:
            hint = "Evaluate the run that it started from: fiubench evaluate RUN."
            raise DatasetError("the model before unlearning has not been evaluated", where=target, hint=hint)
        befores[before.metadata["model"]["fingerprint"]] = _part(BEFORE, before, base)
        parts.append(_part(RUN, log, run))
    parts = [*befores.values(), _part(REFERENCE, load_log(reference), Run.open(reference)), *parts]
    header = {
        "submission": FORMAT,
        "label": called(parts[-1].log),
        "definition": orjson.loads(canonical_line(find_definition(definition).model_dump())),
        "logs": [
            {"part": p.part, "rows": len(p.log.rows), "digest": p.digest, "facts": p.log.metadata, "made": p.made}
            for p in parts
        ],
        "fiubench": __version__,
    }
    if place := next((text for text in _texts(header) if Path(text).is_absolute()), None):
        hint = "A submission is for others: it names no place. Train with a relative path."
        raise Refused(f"a setting names a place on this machine, {place}", where=runs[0], hint=hint)
    return Submission(header, parts)


def _texts(value: Any) -> Iterator[str]:
    """Every text in a document."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


def called(log: QuestionLog) -> str:
    """The variant or method that a log is of."""
    return str(log.run.get("variant") or log.run["method"] or log.run["kind"])


def _part(part: str, log: QuestionLog, run: Run) -> Part:
    settings = run.manifest["settings"]
    # as they stand: no epochs of a method that takes no steps, and a whole float is another digest than an integer
    as_written = {name: settings[name] for name in ("epochs", "options")}
    training = Training.parse({**settings, "epochs": settings["epochs"] or 1}, where=run.directory)
    training = training.model_copy(update=as_written)
    retain = log.metadata["complement"]["digest"] if run.manifest["split"]["retain"] else None
    made = orjson.loads(canonical_line(determining(run.manifest, training, retain)))
    if any(not isfinite(value) for row in log.rows for value in _numbers(row)):
        hint = "Metrics of a model that computes such are none. Submit a run that did not diverge."
        raise DatasetError("log-probabilities that are no numbers (NaN or infinite)", where=log.where, hint=hint)
    digest = hashlib.sha256(b"".join(map(canonical_line, log.rows))).hexdigest()
    return Part(part, QuestionLog(log.rows, _facts(log, part)), made, digest, digest)


def _numbers(row: Mapping[str, Any]) -> Iterator[float]:
    for name in ("generated", "answer", "paraphrased"):
        yield from row[f"{name}_logprobs"] or ()
    yield from (value for name in ("answer_mu", "answer_sigma") for value in row[name] or ())
    yield from (value for one in row["perturbed_logprobs"] or () for value in one or ())


def _facts(log: QuestionLog, part: str) -> dict[str, Any]:
    """A log's metadata without the names and places of the machine that made it."""
    said, run = log.metadata, log.run
    dataset = {"digest": said["dataset"]["digest"]}
    if _HUB.fullmatch(source := str(said["dataset"]["source"])):
        dataset["source"] = source
    named = called(log) if part == RUN else run["trained_on"]["name"]
    facts = {
        **{name: said[name] for name in _SAID if name in said},
        "dataset": dataset,
        "model": {name: said["model"][name] for name in ("fingerprint", "origin")},
        "run": {name: run[name] for name in _RUN if name in run} | {"name": f"{named}-{run['seed']}"},
        "refusals": list(said["refusals"]),
        "versions": said["versions"],
        **({"judge": said["judge"]["model"]} if said.get("judge") else {}),
    }
    return cast("dict[str, Any]", orjson.loads(canonical_line(facts)))


def write(submission: Submission, path: Path) -> None:
    """Write a submission; the same one has the same bytes.

    Raises:
        SubmissionError: it would not be read as one.
        DatasetError: it can't be written.
    """
    content = b"".join(submission.lines)
    _read(BytesIO(content), path)
    write_atomic(path, gzip.compress(content, mtime=0))


def signed(header: Mapping[str, Any]) -> dict[str, Any]:
    """A first line with its digest."""
    rest = {name: value for name, value in header.items() if name != "digest"}
    return {**rest, "digest": digest_of(rest)}


def read(path: Path) -> Submission:
    """Read a submission.

    Raises:
        DatasetError: there is no such file, or it can't be opened.
        SubmissionError: it is none, of another version, damaged, cut off, or larger than one can be.
    """
    with open_file(path, DatasetError) as file:
        try:
            with gzip.GzipFile(fileobj=file) as unpacked:
                return _read(cast("BinaryIO", unpacked), path)
        except (OSError, EOFError, zlib.error) as error:
            raise SubmissionError(f"damaged or cut off: {error}", where=path) from error


def _read(file: BinaryIO, path: Path) -> Submission:
    header = _json(_line(file, _FIRST, path, "first line"), path, "first line")
    version = header.get("submission") if isinstance(header, dict) else None
    if not isinstance(version, int):
        raise SubmissionError("no submission", where=path, hint="`fiubench submit` writes them.")
    if version != FORMAT:
        hint = "Take the version of fiubench that wrote it." if version > FORMAT else ""
        raise SubmissionError(f"version {version} of the format; this fiubench reads {FORMAT}", where=path, hint=hint)
    _valid(schemas.is_valid("submission"), "submission", header, path, "first line")
    schema = _row_schema()
    is_row, parts, left = schemas.compiled(schema).is_valid, [], _WHOLE
    for number, one in enumerate(header["logs"]):
        rows, digest = [], hashlib.sha256()
        for row in range(one["rows"]):
            what = f"log {number + 1}, row {row + 1}"
            line = _line(file, min(_LINE, left), path, what)
            left -= len(line)
            digest.update(line)
            rows.append(_json(line, path, what))
            _valid(is_row, schema, rows[-1], path, what)
        log = QuestionLog(rows, one["facts"])
        parts.append(Part(one["part"], log, one["made"], one["digest"], digest.hexdigest()))
    if file.read(1):
        raise SubmissionError("more rows than its first line says", where=path)
    return Submission(header, parts)


def _line(file: BinaryIO, most: int, path: Path, what: str) -> bytes:
    line = file.readline(most + 1)
    if len(line) > most:
        raise SubmissionError(f"{what}: larger than a submission can be", where=path)
    if not line.endswith(b"\n"):
        raise SubmissionError(f"{what}: fewer rows than its first line says, or cut off", where=path)
    return line


def _json(line: bytes, path: Path, what: str) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise SubmissionError(f"{what}: no JSON: {error}", where=path) from error


def _valid(checker: Any, schema: str | dict[str, Any], document: Any, path: Path, what: str) -> None:
    if not checker(document):
        problem = next(schemas.violations(schema, document))
        raise SubmissionError(f"{what}: {problem.path}: {problem.message}", where=path)


def _row_schema() -> dict[str, Any]:
    """The JSON Schema of a row: the columns of a log with their types."""
    needed = {"type": "string", "maxLength": _TEXT}
    always = {
        **dict.fromkeys(("unique_id", "attribute", "split", "question", "answer", "generated"), needed),
        "role": {"enum": list(ROLES)},
        "control": {"type": "string", "pattern": "^[a-z][a-z0-9_]*$"},
        "asked": {"enum": ["picture", "name"]},
        "keywords": {**_type(pa.list_(pa.string())), "type": "array", "minItems": 1},
        "generated_paraphrased_prefix": {**_type(pa.list_(pa.string())), "items": _type(pa.string())},
        "judge": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
    }
    properties = {column.name: always.get(column.name, _type(column.type)) for column in COLUMNS}
    return {"type": "object", "required": [*properties], "additionalProperties": False, "properties": properties}


def _type(kind: pa.DataType) -> dict[str, Any]:
    """A value of a column, or null; in lists nothing is null but lists."""
    if pa.types.is_list(kind):
        of = kind.value_type
        items = _type(of) if pa.types.is_list(of) else {**_type(of), "type": _type(of)["type"][0]}
        most = {} if pa.types.is_floating(of) else {"maxItems": _ITEMS}
        return {"type": ["array", "null"], "items": items, "minItems": int(pa.types.is_floating(of)), **most}
    if pa.types.is_string(kind):
        return {"type": ["string", "null"], "maxLength": _TEXT}
    return {"type": ["integer" if pa.types.is_integer(kind) else "number", "null"]}
