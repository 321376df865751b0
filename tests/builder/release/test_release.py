"""A packaged release as its users read it: with datasets, pandas, mlcroissant and the original's loader."""

import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest
import yaml
from fiubench.builder.release import package
from fiubench.support.errors import DatasetError
from PIL import Image

from tests.builder.release.release_samples import make_dataset, make_id

CONFIGS = {
    "full": 24, "forget05": 1, "forget10": 2, "retain95": 23, "retain90": 22, "retain_eval05": 1, "retain_eval10": 2,
    "holdout": 3,
}  # fmt: skip


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample") / "dataset"
    package(path, make_dataset(path))
    return path


@pytest.fixture(scope="module")
def release(directory: Path) -> Path:
    return directory / "release"


@pytest.fixture(scope="module")
def text_only(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "dataset"
    package(path, make_dataset(path, images=False))
    return path / "release"


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """``datasets.load_dataset`` without network and with a cache of its own."""
    cache = tmp_path_factory.mktemp("hf")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HOME", str(cache))
        patch.setenv("HF_DATASETS_OFFLINE", "1")
        patch.setenv("HF_HUB_OFFLINE", "1")
        import datasets

        datasets.disable_progress_bars()
        yield lambda path, name, **more: datasets.load_dataset(
            str(path), name, split="train", cache_dir=str(cache), **more
        )


def records(directory: Path) -> dict[str, dict[str, Any]]:
    lines = (directory / "identities.jsonl").read_bytes().splitlines()
    return {record["unique_id"]: record for record in map(orjson.loads, lines)}


def members(directory: Path, name: str) -> set[str]:
    splits = orjson.loads((directory / "splits.json").read_bytes())["splits"]
    return set(records(directory)) - set(splits["holdout"]) if name == "full" else set(splits[name])


def card(release: Path) -> tuple[dict[str, Any], str]:
    _, front, text = (release / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(front), text


# --- datasets -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CONFIGS)
def test_every_configuration_loads_offline_and_holds_the_source(directory, release, load, name):
    data = load(release, name)
    source = records(directory)
    assert data.num_rows == CONFIGS[name] * 5
    assert set(data["unique_id"]) == members(directory, name)
    for row in data:
        record = source[row["unique_id"]]
        pair = next(p for p in record["qa_list"] if p["attribute"] == row["attribute"])
        assert row["image"].size == (16, 16)
        assert (row["name"], row["gender"]) == (record["name"], record["gender"])
        assert row["value"] == record["profile"][row["attribute"]]["text"]
        assert row["value_type"] == pair["value"]["type"]
        for key in ("category", "sensitivity", "question", "paraphrased_question", "answer", "paraphrased_answer",
                    "perturbed_answer", "keywords"):  # fmt: skip
            assert row[key] == pair[key]


def test_images_are_the_bytes_of_the_dataset(directory, release, load):
    from datasets import Image as ImageFeature

    data = load(release, "full").cast_column("image", ImageFeature(decode=False))
    for row in data:
        path = directory / "images" / f"{row['unique_id']}.jpg"
        assert row["image"] == {"bytes": path.read_bytes(), "path": path.name}


def test_streaming_gives_the_same_rows(release, load):
    streamed = list(load(release, "forget10", streaming=True))
    whole = list(load(release, "forget10"))
    assert len(streamed) == 10
    for one, other in zip(streamed, whole, strict=True):
        assert one.pop("image").tobytes() == other.pop("image").tobytes()
        assert one == other


def test_identities_has_a_row_for_everyone(directory, release, load):
    data = load(release, "identities")
    source = records(directory)
    assert data["unique_id"] == list(source)
    for row in data:
        record = source[row["unique_id"]]
        assert row["image"].size == (16, 16)
        assert (row["name"], row["caption"]) == (record["name"], record["caption"])
        assert json.loads(row["profile"]) == record["profile"]
        assert row["blood_type"] == record["profile"]["blood_type"]["text"]
        assert set(row["splits"]) == {n for n in CONFIGS if row["unique_id"] in members(directory, n)}


def test_an_unknown_configuration_is_an_error(release, load):
    with pytest.raises(ValueError, match="forget99"):
        load(release, "forget99")


def test_a_dataset_without_faces_has_no_image_column(text_only, load):
    for name in ("full", "forget05", "identities"):
        assert "image" not in load(text_only, name).column_names
    assert load(text_only, "full")[0]["answer"].startswith("This person's")
    front, text = card(text_only)
    assert "visual-question-answering" not in front["task_categories"]
    assert 'row["image"]' not in text
    assert " \n" not in text
    assert not (text_only / "fiubench" / "dataset" / "images").exists()


def test_two_datasets_in_folders_of_one_name_are_not_mixed_up_by_the_cache(tmp_path, load):
    for seed, holdout in (("one", 1), ("two", 2)):
        directory = tmp_path / seed
        manifest = make_dataset(directory, holdout=holdout)
        lines = (directory / "identities.jsonl").read_bytes()
        (directory / "identities.jsonl").write_bytes(lines.replace(b" is ", f" {seed} ".encode()))
        package(directory, manifest)
    for seed in ("one", "two"):
        assert f" {seed} " in load(tmp_path / seed / "release", "full")[0]["answer"]


# --- Parquet --------------------------------------------------------------------------------------------------


def test_features_are_what_datasets_would_write(release):
    from datasets import Features

    for path in release.rglob("*.parquet"):
        schema = pq.read_schema(path)
        stored = json.loads(schema.metadata[b"huggingface"])
        features = Features.from_dict(stored["info"]["features"])
        assert json.loads(features.arrow_schema.metadata[b"huggingface"]) == stored
        assert list(features) == schema.names
        assert features.arrow_schema.types == schema.types  # no dictionary types reach a reader


def test_no_row_and_no_image_is_stored_twice(directory, release):
    pairs, sizes = [], 0
    for path in (release / "data").glob("*.parquet"):
        table = pq.read_table(path, columns=["unique_id", "attribute"])
        pairs += zip(table["unique_id"].to_pylist(), table["attribute"].to_pylist(), strict=True)
        metadata = pq.ParquetFile(path).metadata
        for group in range(metadata.num_row_groups):
            column = metadata.row_group(group).column(table.num_columns + 1)
            assert column.path_in_schema == "image.bytes"
            assert column.compression == "UNCOMPRESSED"
            assert column.statistics is None
            sizes += column.total_compressed_size
    assert len(pairs) == len(set(pairs)) == 27 * 5
    images = sum(path.stat().st_size for path in (directory / "images").iterdir())
    assert images < sizes < 1.5 * images  # five rows a person, one copy


def test_row_groups_hold_whole_people_and_at_most_500_rows(tmp_path):
    directory = tmp_path / "dataset"
    package(directory, make_dataset(directory, identities=90, holdout=0, ratios=(10,), questions=20))
    for path in (directory / "release" / "data").glob("retain*.parquet"):
        metadata = pq.ParquetFile(path).metadata
        rows = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
        assert max(rows) <= 500
        assert all(number % 20 == 0 for number in rows)


def test_pandas_reads_the_files(release):
    import pandas as pd

    frame = pd.read_parquet(release / "data" / "holdout-00000.parquet")
    assert len(frame) == 15
    assert Image.open(io.BytesIO(frame["image"][0]["bytes"])).size == (16, 16)
    assert list(frame["paraphrased_question"][0]) == [f"Which full name is on record ({n})?" for n in range(3)]


def test_large_datasets_are_cut_into_files(tmp_path, monkeypatch, load):
    monkeypatch.setattr("fiubench.builder.release.pieces._PEOPLE", 4)
    monkeypatch.setattr("fiubench.builder.release.pieces._PARTS", 3)
    directory = tmp_path / "dataset"
    package(directory, make_dataset(directory, identities=40, holdout=5, ratios=(10,)))
    release = directory / "release"
    front, text = card(release)
    files = {c["config_name"]: c["data_files"][0]["path"] for c in front["configs"]}
    # 45 people in three parts, the forget set and the holdout at the end of the last
    assert files["retain_eval10"] == ["data/retain_evals10-00000.parquet"]
    assert files["forget10"] == ["data/forget10-00000.parquet"]
    assert [f for f in files["full"] if "/retain-" in f] == [f"data/retain-0000{i}.parquet" for i in range(3)]
    assert files["people"] == [f"people/benchmark-0000{i}.parquet" for i in range(3)]
    assert files["identities"] == [*files["people"], "people/holdout-00000.parquet"]
    assert load(release, "full").num_rows == 200
    assert load(release, "identities")["unique_id"] == [make_id(i) for i in range(45)]
    monkeypatch.undo()
    package(directory, make_dataset(directory, identities=40, holdout=5, ratios=(10,)))
    whole = card(release)[1]
    assert whole == text  # what the parts counted adds up
    assert sorted(path.name for path in (release / "data").iterdir()) == [
        f"{name}-00000.parquet" for name in ("forget10", "holdout", "retain", "retain_evals10")
    ]


# --- the original's layout ------------------------------------------------------------------------------------


def test_the_originals_loader_reads_it(directory, release, monkeypatch):
    monkeypatch.chdir(release / "fiubench")
    files = (Path("dataset", name).read_text(encoding="utf-8") for name in ("full.json", "holdout.json"))
    lines = [json.loads(line) for text in files for line in text.splitlines()]
    source = records(directory)
    assert [line["unique_id"] for line in lines] == list(source)
    for line in lines:
        record = source[line["unique_id"]]
        with Image.open(line["image_path"]) as image:
            assert image.convert("RGB").size == (16, 16)
        assert line["raw_data"] == {name: fact["text"] for name, fact in record["profile"].items()}
        assert (line["name"], line["gender"], line["caption"]) == (record["name"], record["gender"], record["caption"])
        for pair in line["qa_list"]:
            assert [type(pair[key]) for key in ("question", "answer", "paraphrased_answer")] == [str] * 3
            assert [len(pair[key]) for key in ("paraphrased_question", "perturbed_answer")] == [3, 3]
            assert isinstance(pair["keywords"], list)
    prompts = json.loads(Path("dataset/prompt.json").read_text(encoding="utf-8"))
    assert len(set(prompts["idk"])) >= 30
    assert len(set(prompts["icd"])) >= 20


def test_the_holdout_is_apart_whatever_its_index(tmp_path):
    directory = tmp_path / "dataset"
    manifest = make_dataset(directory)
    document = orjson.loads((directory / "splits.json").read_bytes())
    first = make_id(0)
    for name, ids in document["splits"].items():
        document["splits"][name] = [first] if name == "holdout" else [i for i in ids if i != first]
    (directory / "splits.json").write_bytes(orjson.dumps(document))
    package(directory, manifest)
    for name, expected in (("full", [make_id(i) for i in range(1, 27)]), ("holdout", [first])):
        lines = (directory / "release" / "fiubench" / "dataset" / f"{name}.json").read_bytes().splitlines()
        assert [orjson.loads(line)["unique_id"] for line in lines] == expected


def test_split_json_has_the_originals_keys_and_algebra(tmp_path):
    directory = tmp_path / "dataset"
    package(directory, make_dataset(directory, identities=200, holdout=20, ratios=(1, 5, 10), questions=1))
    splits = orjson.loads((directory / "release" / "fiubench" / "dataset" / "split.json").read_bytes())
    assert {name: len(ids) for name, ids in splits.items()} == {
        "forget1": 2, "forget5": 10, "forget10": 20, "retain5": 10, "retain15": 30, "holdout": 20
    }  # fmt: skip
    forgotten = set(splits["forget1"]) | set(splits["forget5"]) | set(splits["forget10"])
    assert set(splits["retain5"]) < set(splits["retain15"])
    assert not set(splits["retain15"]) & (forgotten | set(splits["holdout"]))


def test_images_of_the_original_layout_are_links(directory, release):
    for path in (directory / "images").iterdir():
        assert path.samefile(release / "fiubench" / "dataset" / "images" / path.name)


# --- Croissant ------------------------------------------------------------------------------------------------


def test_croissant_is_valid_and_reads_offline(directory, release, monkeypatch, tmp_path):
    import mlcroissant

    monkeypatch.setenv("CROISSANT_CACHE", str(tmp_path))
    dataset = mlcroissant.Dataset(release / "croissant.json")
    assert not dataset.metadata.ctx.issues.errors
    assert not dataset.metadata.ctx.issues.warnings
    rows = list(dataset.records("forget10"))
    assert {row["forget10/unique_id"].decode() for row in rows} == members(directory, "forget10")
    assert len(rows) == 10
    assert rows[0]["forget10/image"].size == (16, 16)
    source = records(directory)[rows[0]["forget10/unique_id"].decode()]["qa_list"][0]
    assert rows[0]["forget10/answer"].decode() == source["answer"]
    assert [text.decode() for text in rows[0]["forget10/perturbed_answer"]] == source["perturbed_answer"]
    people = list(dataset.records("identities"))
    assert [row["identities/unique_id"].decode() for row in people] == list(records(directory))


def test_croissant_knows_every_file(release):
    document = orjson.loads((release / "croissant.json").read_bytes())
    files = {item["contentUrl"]: item for item in document["distribution"] if item["@type"] == "cr:FileObject"}
    assert set(files) == {path.relative_to(release).as_posix() for path in release.rglob("*.parquet")}
    for name, item in files.items():
        content = (release / name).read_bytes()
        assert item["sha256"] == hashlib.sha256(content).hexdigest()
        assert item["contentSize"] == f"{len(content)} B"


# --- the folder as a whole ------------------------------------------------------------------------------------


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_packaging_again_replaces_and_gives_the_same_bytes(tmp_path):
    directory = tmp_path / "dataset"
    manifest = make_dataset(directory)
    package(directory, manifest)
    before = snapshot(directory / "release")
    (directory / "release" / "stale").touch()
    (directory / "release.partial-1").mkdir()
    (directory / "release.old-1").mkdir()
    package(directory, manifest)
    assert snapshot(directory / "release") == before
    assert sorted(p.name for p in directory.iterdir()) == ["identities.jsonl", "images", "release", "splits.json"]


def _lose_image(directory: Path) -> None:
    (directory / "images" / f"{make_id(20)}.jpg").unlink()


def _break_line(directory: Path) -> None:
    path = directory / "identities.jsonl"
    path.write_bytes(path.read_bytes()[:-20] + b"\n")


def _leave_folder(directory: Path) -> None:
    path = directory / "identities.jsonl"
    path.write_bytes(path.read_bytes().replace(f"images/{make_id(3)}".encode(), b"images/../../secret"))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_lose_image, f"{make_id(20)}.jpg: no such image"),
        (_break_line, "not JSON"),
        (_leave_folder, "not a file in images/"),
        (lambda directory: (directory / "splits.json").unlink(), "splits.json"),
    ],
)
def test_what_is_missing_or_broken_is_told_and_nothing_is_left(tmp_path, damage, message):
    directory = tmp_path / "dataset"
    manifest = make_dataset(directory)
    package(directory, manifest)
    before = snapshot(directory / "release")
    damage(directory)
    with pytest.raises(DatasetError, match=message.replace(".", r"\.")):
        package(directory, manifest)
    assert snapshot(directory / "release") == before
    assert not [path.name for path in directory.iterdir() if path.name.startswith("release.")]


def test_a_full_disk_is_told_and_nothing_is_left(tmp_path):
    import resource
    import signal

    directory = tmp_path / "dataset"
    manifest = make_dataset(directory, questions=20)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, limits[1]))  # bytes a file may have
    try:
        with pytest.raises(DatasetError, match="cannot write"):
            package(directory, manifest)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert sorted(p.name for p in directory.iterdir()) == ["identities.jsonl", "images", "splits.json"]


def test_packaging_imports_no_heavy_library(tmp_path):
    """pyarrow alone: datasets and pandas cost a CPU second before the first row."""
    import subprocess
    import sys

    directory = tmp_path / "dataset"
    manifest = make_dataset(directory)
    (tmp_path / "manifest.json").write_bytes(orjson.dumps(manifest))
    code = (
        "import sys, json, pathlib; from fiubench.builder.release import package\n"
        "package(pathlib.Path(sys.argv[1]), json.load(open(sys.argv[2])))\n"
        "heavy = {'datasets', 'pandas', 'torch', 'PIL.Image', 'mlcroissant'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    command = [sys.executable, "-c", code, str(directory), str(tmp_path / "manifest.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
