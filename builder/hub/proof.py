"""Proving that a staged release loads: in a fresh process, offline, as somebody who downloads it would.

``python -m fiubench.builder.hub.proof FOLDER`` does it and prints what was proved. Every configuration is opened with
``datasets.load_dataset``, its rows are counted against the Parquet files, and its first row is decoded; card and
Croissant must describe the files that are there, and ``mlcroissant``, where it is installed, must accept the document.
"""

import logging
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from fiubench.builder.dataset.cells import IDENTITIES, PEOPLE
from fiubench.builder.release import CARD, CROISSANT
from fiubench.builder.release.card import front_matter_of
from fiubench.schemas.documents import read_object
from fiubench.schemas.splits import FULL, HOLDOUT
from fiubench.support.canonical import file_digest
from fiubench.support.errors import DatasetError, FiubenchError, Refused
from fiubench.support.files import scratch_folder
from fiubench.support.processes import end_with_parent

_NEEDED = ("pretty_name", "license", "configs", "size_categories", "task_categories")
_DOES_NOT_HOLD = 4  # exit code of the process


def prove(folder: Path, manifest: Mapping[str, Any]) -> list[str]:
    """What was proved of a stage, one line each.

    Raises:
        Refused: it does not load, or card and Croissant do not fit the files.
    """
    counts = manifest["counts"]
    expected = [str(counts[key]) for key in ("identities", "holdout", "questions")]
    with scratch_folder() as home:
        # another home: nothing is taken from a cache, nothing is left in one, no token is read
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGING"))}
        env = {**kept, "HF_HOME": str(home), "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1",
               "HF_HUB_DISABLE_PROGRESS_BARS": "1",
               # `datasets` would import whichever of them is installed, seconds each, to split rows among workers
               "USE_TORCH": "0", "USE_TF": "0", "USE_JAX": "0"}  # fmt: skip
        command = [sys.executable, "-m", "fiubench.builder.hub.proof", str(folder), *expected]
        done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)  # noqa: S603
    if done.returncode == 0:
        return done.stdout.splitlines()
    said = (done.stderr.strip().splitlines() or ["no reason given"])[-1].replace(f"{folder}/", "")
    hint = "Build it again with --overwrite; if that does not help, the installed libraries do not fit each other."
    raise Refused(f"the release does not load: {said}", hint=hint)


def _proofs(folder: Path, identities: int, holdout: int, questions: int) -> Iterator[str]:
    front = front_matter_of(folder / CARD)
    if missing := [key for key in _NEEDED if key not in front]:
        raise DatasetError(f"the card lacks {', '.join(missing)}", where=folder / CARD)
    configs = {entry["config_name"]: entry["data_files"][0]["path"] for entry in front["configs"]}
    listed = {path for paths in configs.values() for path in paths}
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*.parquet")}
    if listed != there:
        raise DatasetError(f"card and files differ: {', '.join(sorted(listed ^ there))}", where=folder / CARD)
    yield f"card: {len(configs)} configurations of {len(there)} files"
    rows = {name: _load(folder, name, paths) for name, paths in configs.items()}
    wanted = {FULL: identities * questions, HOLDOUT: holdout * questions}
    wanted |= {IDENTITIES: identities + holdout, PEOPLE: identities}
    for name, count in wanted.items():
        if rows.get(name, 0) != count:
            raise DatasetError(f"{rows.get(name, 0)} rows, the manifest says {count}", where=f"configuration {name}")
    yield f"datasets: {len(rows)} configurations load, {sum(rows.values()):,} rows"
    yield _croissant(folder, configs)


def _load(folder: Path, name: str, paths: Sequence[str]) -> int:
    """Open a configuration and decode its first row; the number of its rows."""
    import datasets  # noqa: PLC0415

    loaded = datasets.load_dataset(str(folder), name, split="train", streaming=True)
    first = next(iter(loaded), None)
    if first is None:
        raise DatasetError("has no rows", where=f"configuration {name}")
    if "image" in first and not (first["image"].width and first["image"].height):
        raise DatasetError("its first image is empty", where=f"configuration {name}")
    return sum(pq.read_metadata(folder / path).num_rows for path in paths)


def _croissant(folder: Path, configs: Mapping[str, Sequence[str]]) -> str:
    document = read_object(folder / CROISSANT)
    files = {entry["@id"]: entry for entry in document["distribution"] if entry["@type"] == "cr:FileObject"}
    for path in sorted({path for paths in configs.values() for path in paths}):
        if files.get(path, {}).get("sha256") != file_digest(folder / path):
            raise DatasetError(f"does not describe {path}", where=folder / CROISSANT)
    sets = {entry["name"] for entry in document["recordSet"]}
    if sets != set(configs):
        raise DatasetError(f"describes {len(sets)} of {len(configs)} configurations", where=folder / CROISSANT)
    try:
        import mlcroissant  # noqa: PLC0415
    except ImportError:
        return "croissant: fits files and card (mlcroissant is not installed, so it did not look at it)"
    logging.disable(logging.CRITICAL)
    try:
        read = mlcroissant.Dataset(jsonld=str(folder / CROISSANT))
    except mlcroissant.ValidationError as error:
        raise DatasetError(f"is not valid: {' '.join(str(error).split())[:300]}", where=folder / CROISSANT) from error
    return f"croissant: fits files and card, and mlcroissant accepts it ({len(read.metadata.issues.warnings)} warnings)"


def _main(folder: str, *counts: str) -> int:
    warnings.simplefilter("ignore")
    end_with_parent(os.getppid())
    try:
        for line in _proofs(Path(folder), *map(int, counts)):
            print(line)
    except FiubenchError as error:
        print(error, file=sys.stderr)
        return _DOES_NOT_HOLD
    return 0


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
