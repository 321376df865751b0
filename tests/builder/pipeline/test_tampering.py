"""Whatever is changed in a dataset is found: by `verify`, and by `pull` and `publish` where they see it.

``pytest -s`` prints the table: every kind of change with the first thing that each of the three says of it.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fiubench.builder.dataset.intact import release_digests
from fiubench.builder.dataset.reading import open_dataset
from fiubench.builder.hub.pull import fetch
from fiubench.builder.hub.staging import check_untouched
from fiubench.builder.pipeline.verify import verify
from fiubench.builder.release import package, parquet
from fiubench.cli.main import run
from fiubench.support.canonical import canonical_line, digest, digest_of, file_digest, readable_json
from fiubench.support.errors import FiubenchError

from fiubench import build, make_config
from tests.builder.hub.test_first_layout import Folder
from tests.cases import first

SECOND = "release/fiubench/dataset/images"
FULL = "release/fiubench/dataset/full.json"
QUESTIONS, PEOPLE = "release/data/holdout-00000.parquet", "release/people/benchmark-00000.parquet"
ZEROS = "0" * 64
HTML = b"<html><body>You are offline.</body></html>"
Change = Callable[[Path], object]


class Tampering(NamedTuple):
    """A change. ``inside``: all that is left agrees with all else, so that only building it again finds it."""

    name: str
    change: Change
    inside: bool = False


TAMPERINGS: list[Tampering] = []


def tampering(name: str, *, inside: bool = False) -> Callable[[Change], Change]:
    def add(change: Change) -> Change:
        TAMPERINGS.append(Tampering(name, change, inside))
        return change

    return add


# --- ways to change something


def faces(folder: Path, where: str = "images") -> list[Path]:
    return sorted((folder / where).iterdir())


def replace(path: Path, data: bytes) -> None:
    """New bytes under the name; another name of the old ones keeps them."""
    path.unlink(missing_ok=True)
    path.write_bytes(data)


def swap(a: Path, b: Path) -> None:
    first, second = a.read_bytes(), b.read_bytes()
    replace(a, second)
    replace(b, first)


def in_text(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text()
    assert old in text
    replace(folder / name, text.replace(old, new, 1).encode())


def in_json(folder: Path, name: str, change: Callable[[Any], object]) -> None:
    document = orjson.loads((folder / name).read_bytes())
    change(document)
    replace(folder / name, readable_json(document))


def in_manifest(folder: Path, *path: str | int, value: Any) -> None:
    def change(document: Any) -> None:
        for key in path[:-1]:
            document = document[key]
        if value is None:
            del document[path[-1]]
        else:
            assert document.get(path[-1]) != value if isinstance(document, dict) else document[path[-1]] != value
            document[path[-1]] = value

    in_json(folder, "manifest.json", change)


def in_line(folder: Path, name: str, number: int, change: Callable[[Any], object]) -> None:
    lines = (folder / name).read_bytes().splitlines(keepends=True)
    record = orjson.loads(lines[number])
    change(record)
    lines[number] = canonical_line(record)
    replace(folder / name, b"".join(lines))


def in_table(folder: Path, name: str, change: Callable[[Any], Any]) -> None:
    table = change(pq.read_table(folder / name))
    (folder / name).unlink()
    with pq.ParquetWriter(folder / name, table.schema, store_schema=False) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata(table.schema.metadata)
    rehash(folder)


def set_cell(table: Any, column: str, row: int, value: Any) -> Any:
    values = table[column].to_pylist()
    values[row] = value
    place = table.column_names.index(column)
    return table.set_column(place, table.schema.field(column), pa.array(values, table.schema.field(column).type))


def rehash(folder: Path) -> None:
    """Make the manifest fit what is there, as whoever knows it would."""

    def change(manifest: Any) -> None:
        manifest["release"] = release_digests(folder / "release")
        records = [json.loads(line) for line in (folder / "identities.jsonl").read_text().splitlines()]
        images = [file_digest(folder / r["image_path"])[:32] for r in records]
        ids = [r["unique_id"] for r in records]
        short = [digest(canonical_line(record))[:32] for record in records]
        manifest["identities"] = list(map(list, zip(ids, short, images, strict=True)))
        manifest["digests"] = {
            "identities": file_digest(folder / "identities.jsonl"),
            "splits": file_digest(folder / "splits.json"),
            "images": digest_of(images),
        }

    in_json(folder, "manifest.json", change)


def again(folder: Path) -> None:
    """Package what is there, so that everything agrees with everything."""
    rehash(folder)
    package(folder, json.loads((folder / "manifest.json").read_text()))
    rehash(folder)


def other_job(record: Any) -> None:
    """Another occupation, wherever the record says it."""
    old = record["profile"]["occupation"]["text"]
    text = json.dumps({key: record[key] for key in ("caption", "profile", "qa_list")}).replace(old, "Glass Blower")
    record.update(json.loads(text))


def moved(document: Any) -> None:
    splits = document["splits"]
    splits["forget10"][0], splits["retain90"][0] = splits["retain90"][0], splits["forget10"][0]


# --- files, with the manifest as it was

tampering("a face deleted")(lambda d: faces(d)[3].unlink())
tampering("a face deleted in the second folder")(lambda d: faces(d, SECOND)[3].unlink())
tampering("two faces swapped")(lambda d: swap(*faces(d)[:2]))
tampering("two faces swapped in the second folder")(lambda d: swap(*faces(d, SECOND)[:2]))
tampering("a face of somebody else")(lambda d: replace(faces(d)[0], faces(d)[1].read_bytes()))
tampering("a face cut off")(lambda d: replace(faces(d)[0], faces(d)[0].read_bytes()[:300]))
tampering("a byte after a face")(lambda d: replace(faces(d)[0], faces(d)[0].read_bytes() + b"\n"))
tampering("a face is a web page")(lambda d: replace(faces(d)[0], HTML))
tampering("a face in a second folder is a web page")(lambda d: replace(faces(d, SECOND)[0], HTML))
tampering("a face renamed to another suffix")(lambda d: faces(d)[0].rename(faces(d)[0].with_suffix(".png")))


@tampering("another picture in place of a face, which lies beside it under another suffix")
def _(d: Path, where: str = "images") -> None:
    face = faces(d, where)[0]
    face.rename(face.with_suffix(".png"))
    replace(face, faces(d, where)[-1].read_bytes())


tampering("the same in the second folder")(lambda d: _(d, SECOND))


@tampering("a face is a link to another file")
def _linked(d: Path) -> None:
    face = faces(d)[0]
    outside = d.parent / "outside.jpg"
    outside.write_bytes(face.read_bytes())
    face.unlink()
    face.symlink_to(outside)


tampering("a picture too many")(lambda d: replace(d / "images" / "extra.jpg", faces(d)[0].read_bytes()))
tampering("a picture too many in the second folder")(
    lambda d: replace(d / SECOND / "extra.jpg", faces(d)[0].read_bytes())
)
tampering("a file too many")(lambda d: replace(d / "notes.txt", b"mine"))
tampering("a hidden file too many")(lambda d: replace(d / "release" / ".hidden", b"mine"))
tampering("a Parquet file too many")(lambda d: shutil.copy(d / QUESTIONS, d / "release/data/more-00000.parquet"))
tampering("a script too many")(lambda d: replace(d / "release" / "faces.py", b"print('hello')"))
tampering("a file too many, whose name is no text")(lambda d: replace(d / os.fsdecode(b"a\xff\x1b[2J"), b"mine"))
tampering("a folder of files too many")(
    lambda d: ((d / "release" / "more").mkdir(), replace(d / "release" / "more" / "a.json", b"{}"))
)
tampering("an answer changed in identities.jsonl")(
    lambda d: in_line(d, "identities.jsonl", 3, lambda r: r["qa_list"][4].update(answer="Nothing is known."))
)
tampering("a line of identities.jsonl deleted")(
    lambda d: replace(
        d / "identities.jsonl", b"".join((d / "identities.jsonl").read_bytes().splitlines(keepends=True)[:-1])
    )
)
tampering("a line of identities.jsonl twice")(
    lambda d: replace(
        d / "identities.jsonl",
        (d / "identities.jsonl").read_bytes() + (d / "identities.jsonl").read_bytes().splitlines(keepends=True)[0],
    )
)
tampering("two lines of identities.jsonl swapped")(
    lambda d: replace(
        d / "identities.jsonl",
        b"".join(sorted((d / "identities.jsonl").read_bytes().splitlines(keepends=True), reverse=True)),
    )
)
tampering("identities.jsonl with spaces after the colons")(
    lambda d: replace(
        d / "identities.jsonl",
        b"".join(
            json.dumps(json.loads(line)).encode() + b"\n" for line in (d / "identities.jsonl").read_text().splitlines()
        ),
    )
)
tampering("identities.jsonl deleted")(lambda d: (d / "identities.jsonl").unlink())
tampering("somebody moved between splits")(lambda d: in_json(d, "splits.json", moved))
tampering("splits.json is another document")(lambda d: replace(d / "splits.json", b'{"forget": ["me"]}'))
tampering("splits.json deleted")(lambda d: (d / "splits.json").unlink())
tampering("a byte of a Parquet file")(
    lambda d: replace(d / QUESTIONS, (d / QUESTIONS).read_bytes()[:500] + b"x" + (d / QUESTIONS).read_bytes()[501:])
)
tampering("a Parquet file deleted")(lambda d: (d / PEOPLE).unlink())
tampering("an answer changed in full.json")(lambda d: in_text(d, FULL, "This person", "That person"))
tampering("the card says another license")(lambda d: in_text(d, "release/README.md", "Apache-2.0", "CC0-1.0"))
tampering("croissant.json names another maker")(lambda d: in_text(d, "release/croissant.json", '"fiubench"', '"mine"'))
tampering("the original's split.json changed")(
    lambda d: in_json(d, "release/fiubench/dataset/split.json", lambda s: s["forget10"].pop())
)
tampering("the original's prompt.json changed")(
    lambda d: in_json(d, "release/fiubench/dataset/prompt.json", lambda p: p["idk"].pop())
)

# --- the manifest

for key in ("identities", "splits", "images"):
    tampering(f"digest of {key}: zeros")(lambda d, key=key: in_manifest(d, "digests", key, value=ZEROS))
tampering("no digest of images")(lambda d: in_manifest(d, "digests", "images", value=None))
tampering("the fingerprint: zeros", inside=True)(lambda d: in_manifest(d, "fingerprint", value=ZEROS))
tampering("another version")(lambda d: in_manifest(d, "fiubench_version", value="9.9.9"))
tampering("another license of a source")(lambda d: in_manifest(d, "sources", "faces", "license", value="CC0-1.0"))
tampering("another title of a source", inside=True)(lambda d: in_manifest(d, "sources", "faces", "title", value="Mine"))
tampering("another digest of a source")(lambda d: in_manifest(d, "sources", "health", "sha256", value=ZEROS))
tampering("a source left out")(lambda d: in_manifest(d, "sources", "crimes", value=None))
tampering("no release")(lambda d: in_json(d, "manifest.json", lambda m: m.update(release={})))
tampering("a file left out of the release's list")(lambda d: in_manifest(d, "release", PEOPLE[8:], value=None))
tampering("a file left out of list and folder")(
    lambda d: (in_manifest(d, "release", PEOPLE[8:], value=None), (d / PEOPLE).unlink())
)
tampering("the digest of a file: zeros")(lambda d: in_manifest(d, "release", "README.md", value=ZEROS))
tampering("the digest of a line: zeros")(lambda d: in_manifest(d, "identities", 2, 1, value=ZEROS[:32]))
tampering("somebody without a picture")(
    lambda d: in_json(d, "manifest.json", lambda m: m["identities"][2].pop() and m["identities"][2].append(None))
)
tampering("another id")(lambda d: in_manifest(d, "identities", 2, 0, value="99999999"))
tampering("other counts", inside=True)(lambda d: in_manifest(d, "counts", "qa_pairs", value=1))
tampering("another seed")(lambda d: in_manifest(d, "config", "seed", value=1234))
tampering("another day")(lambda d: in_manifest(d, "config", "as_of", value="2020-01-01"))
tampering("a setting that is none")(lambda d: in_manifest(d, "config", "match", value="nobody"))
tampering("another question in the pack", inside=True)(
    lambda d: in_text(d, "manifest.json", "What is the full name of this person?", "Who is this, please?")
)
tampering("another digest of the pack", inside=True)(lambda d: in_manifest(d, "packs", 0, "sha256", value=ZEROS))
tampering("an attribute that is not asked about")(lambda d: in_manifest(d, "attributes", 0, value="shoe_size"))
tampering("another vocabulary", inside=True)(
    lambda d: in_json(d, "manifest.json", lambda m: next(iter(m["vocabularies"].values())).update(sha256=ZEROS))
)
tampering("a library left out", inside=True)(lambda d: in_manifest(d, "libraries", "numpy", value=None))
tampering("a key that no manifest has")(lambda d: in_manifest(d, "checked_by", value="me"))
tampering("a publication that never was")(
    lambda d: in_manifest(
        d, "published", value={"repo": "a/b", "version": "v1.0.0", "changelog": [{"version": "v1.0.0", "changes": []}]}
    )
)
tampering("the manifest is no JSON")(lambda d: replace(d / "manifest.json", HTML))
tampering("the manifest is empty")(lambda d: replace(d / "manifest.json", b"{}"))

tampering("another seed in build.yaml", inside=True)(lambda d: in_text(d, "build.yaml", "seed: ", "seed: 1"))

# --- files, and the manifest made to fit them

tampering("a cell of a Parquet file, digests made to fit")(
    lambda d: in_table(d, QUESTIONS, lambda t: set_cell(t, "answer", 7, "Nothing is known."))
)
tampering("rows of a Parquet file left out, digests made to fit")(
    lambda d: in_table(d, QUESTIONS, lambda t: t.slice(5))
)
tampering("rows of a Parquet file in another order, digests made to fit")(
    lambda d: in_table(d, QUESTIONS, lambda t: t.take(list(range(len(t)))[::-1]))
)
tampering("a column of a Parquet file left out, digests made to fit")(
    lambda d: in_table(d, QUESTIONS, lambda t: t.drop(["keywords"]))
)
tampering("a column too many, digests made to fit")(
    lambda d: in_table(d, QUESTIONS, lambda t: t.append_column("label", t["answer"]))
)
tampering("the features of a Parquet file, digests made to fit")(
    lambda d: in_table(d, QUESTIONS, lambda t: t.replace_schema_metadata({"huggingface": "{}"}))
)
tampering("somebody else's picture in a Parquet file, digests made to fit")(
    lambda d: in_table(d, PEOPLE, lambda t: set_cell(t, "image", 0, t["image"][1].as_py()))
)
tampering("no picture in a Parquet file, digests made to fit")(
    lambda d: in_table(d, PEOPLE, lambda t: set_cell(t, "image", 0, None))
)
tampering("no pictures in a Parquet file, digests made to fit")(
    lambda d: in_table(d, PEOPLE, lambda t: t.drop(["image"]))
)
tampering("a Parquet file is a web page, digests made to fit")(lambda d: (replace(d / PEOPLE, HTML), rehash(d)))
tampering("an answer in full.json, digests made to fit")(
    lambda d: (in_text(d, FULL, "This person", "That person"), rehash(d))
)
tampering("the original's split.json, digests made to fit")(
    lambda d: (in_json(d, "release/fiubench/dataset/split.json", lambda s: s["forget10"].pop()), rehash(d))
)
tampering("the original's prompt.json, digests made to fit")(
    lambda d: (in_json(d, "release/fiubench/dataset/prompt.json", lambda p: p["idk"].pop()), rehash(d))
)
tampering("the card loads other files, digests made to fit")(
    lambda d: (in_text(d, "release/README.md", "data/retain-00000", "data/holdout-00000"), rehash(d))
)
tampering("the license on the card, digests made to fit")(
    lambda d: (in_text(d, "release/README.md", "Apache-2.0", "CC0-1.0"), rehash(d))
)
tampering("a digest in croissant.json, digests made to fit")(
    lambda d: (in_json(d, "release/croissant.json", lambda c: c["distribution"][0].update(sha256=ZEROS)), rehash(d))
)
tampering("a file too many, and in the manifest")(
    lambda d: (shutil.copy(d / QUESTIONS, d / "release/data/more-00000.parquet"), rehash(d))
)
tampering("somebody moved between splits, digests made to fit")(lambda d: (in_json(d, "splits.json", moved), rehash(d)))
tampering("splits.json is another document, digests made to fit")(
    lambda d: (replace(d / "splits.json", b'{"forget": ["me"]}'), rehash(d))
)
tampering("a face in both folders, digests made to fit")(
    lambda d: (
        replace(faces(d)[0], faces(d)[1].read_bytes()),
        replace(faces(d, SECOND)[0], faces(d)[1].read_bytes()),
        rehash(d),
    )
)
tampering("a face is a web page everywhere, and all packaged again", inside=True)(
    lambda d: (replace(faces(d)[0], HTML), again(d))
)

# --- everything fits everything

tampering("another fact of somebody, and all packaged again", inside=True)(
    lambda d: (in_line(d, "identities.jsonl", 3, other_job), again(d))
)
tampering("another face of somebody, and all packaged again", inside=True)(
    lambda d: (replace(faces(d)[0], faces(d)[1].read_bytes()), again(d))
)
tampering("somebody moved between splits, and all packaged again", inside=True)(
    lambda d: (in_json(d, "splits.json", moved), again(d))
)
tampering("another license of a source, and all packaged again", inside=True)(
    lambda d: (in_manifest(d, "sources", "faces", "license", value="CC0-1.0"), again(d))
)


# --- who finds it


def hub_folder(dataset: Path, target: Path) -> Path:
    """The dataset's release as somebody could upload it by hand."""
    shutil.copytree(dataset / "release", target, ignore=shutil.ignore_patterns("images"), symlinks=True)
    for name in ("manifest.json", "splits.json"):
        if (dataset / name).exists():
            shutil.copy(dataset / name, target / name)
    return target


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def found(attempt: Callable[[], Iterator[str] | None]) -> str:
    """The first thing that is said; empty if nothing is."""
    try:
        return next(iter(attempt() or ()), "")
    except FiubenchError as error:
        return str(error).splitlines()[0]


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("clean") / "dataset"
    build(make_config({"identities": 18, "holdout": 2, "ratios": [10], "image_size": 32}), out)
    return out


@pytest.fixture(scope="module")
def pulled(clean: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What a pull of the clean release comes to."""
    folder = tmp_path_factory.mktemp("pulled")
    fetch(Folder(hub_folder(clean, folder / "hub")), "somebody/faces", "0" * 40, folder / "out")  # type: ignore[arg-type]
    return tree(folder / "out")


@pytest.fixture(scope="module", autouse=True)
def table() -> Iterator[list[tuple[str, ...]]]:
    """Lines of the table, printed at the end."""
    lines: list[tuple[str, ...]] = []
    yield lines
    for line in [("what was changed", "verify", "publish", "pull"), *lines]:
        print("\n" + " | ".join(line), end="")
    print(f"\n{len(lines)} kinds")


def test_nothing_is_found_where_nothing_was_changed(clean: Path, pulled: dict[str, bytes], tmp_path: Path) -> None:
    assert list(verify(clean)) == []
    check_untouched(open_dataset(clean))
    assert pulled["identities.jsonl"] == (clean / "identities.jsonl").read_bytes()


def test_tables_that_another_library_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other bytes, the same cells: card and Croissant, which name sizes and digests, are made for what is there."""
    options = parquet.parquet_options
    monkeypatch.setattr(
        parquet, "parquet_options", lambda columns: options(columns) | {"compression": "SNAPPY", "version": "1.0"}
    )
    build(make_config({"identities": 18, "holdout": 2, "ratios": [10], "image_size": 32}), tmp_path / "dataset")
    monkeypatch.undo()
    assert list(verify(tmp_path / "dataset")) == []
    check_untouched(open_dataset(tmp_path / "dataset"))


def test_the_field_that_differs_is_named(clean: Path, tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    shutil.copytree(clean, dataset)
    in_line(dataset, "identities.jsonl", 3, lambda r: r["qa_list"][4].update(answer="Nothing is known."))
    in_line(dataset, "identities.jsonl", 5, lambda r: r["qa_list"][6].update(sensitivity="low"))
    lines = list(verify(dataset))
    assert any("occupation: wording (answer)" in line and line.endswith("| Nothing is known.") for line in lines)
    assert any("blood_type: other (sensitivity)" in line and line.endswith("| low") for line in lines)


def test_a_name_that_is_no_text_is_printed_as_one_line(
    clean: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(clean, tmp_path / "dataset")
    replace(tmp_path / "dataset" / os.fsdecode(b"a\xff\n\x1b[2J"), b"mine")
    monkeypatch.setattr("sys.argv", ["fiubench", "verify", str(tmp_path / "dataset")])
    with pytest.raises(SystemExit) as ended:
        run()
    assert ended.value.code == 1
    assert "a\\udcff\\n\\x1b[2J: is no part of the dataset\n" in capsys.readouterr().out


def test_there_are_many() -> None:
    assert len(TAMPERINGS) >= 60
    assert len({each.name for each in TAMPERINGS}) == len(TAMPERINGS)


@pytest.mark.parametrize("each", first(40, TAMPERINGS), ids=lambda each: each.name)
def test_tampering(
    each: Tampering, clean: Path, pulled: dict[str, bytes], table: list[tuple[str, ...]], tmp_path: Path
) -> None:
    dataset = tmp_path / "dataset"
    shutil.copytree(clean, dataset)
    each.change(dataset)
    by_verify = found(lambda: verify(dataset))
    by_publish = found(lambda: check_untouched(open_dataset(dataset)))
    hub = hub_folder(dataset, tmp_path / "hub")
    by_pull = found(lambda: fetch(Folder(hub), "somebody/faces", "0" * 40, tmp_path / "out"))  # type: ignore[arg-type]
    if not by_pull and tree(tmp_path / "out") == pulled:
        by_pull = "(not taken)"
    said = (text.replace(f"{tmp_path}{os.sep}", "")[:90] or "-" for text in (by_verify, by_publish, by_pull))
    table.append((each.name, *said))
    assert by_verify
    assert each.inside or by_publish
    assert each.inside or by_pull
