"""Every reader of :mod:`tests.builder.others` on every kind of release: all and only the rows it should get."""

import json
from pathlib import Path

import datasets
import pandas as pd
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from fiubench.builder.exports import FORMATS, export
from fiubench.cli.console import print_reader_notes
from fiubench.schemas.splits import plain
from fiubench.support.errors import ConfigError

from fiubench import build, make_config, open_dataset
from tests.builder import others
from tests.builder.others import hub_rows, original

SMALL = {"image_size": 32}
RELEASES = {
    "default": {"identities": 100, "holdout": 10, "ratios": [1, 5, 10], **SMALL},
    "other ratios": {"identities": 20, "holdout": 5, "ratios": [20, 30], **SMALL},
    "text only": {"identities": 20, "holdout": 5, "ratios": [5, 10], "faces": "none"},
    "large": {"identities": 420, "holdout": 10, "ratios": [5, 10], "questions": 2, **SMALL},
}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Kind -> dataset folder, each built when it is first asked for."""
    made: dict[str, Path] = {}

    def get(kind):
        if kind not in made:
            made[kind] = tmp_path_factory.mktemp("built") / kind.replace(" ", "-")
            build(make_config(RELEASES[kind]), made[kind])
        return made[kind]

    return get


def ids(rows):
    return {row["unique_id"] for row in rows}


# --- the original FIUBench --------------------------------------------------------------------------------------------


def test_the_original_started_as_its_readme_says(built, tmp_path):
    splits = open_dataset(built("default")).splits
    export(built("default"), "fiubench", tmp_path / "exported")
    for folder in (built("default") / "release" / "fiubench", tmp_path / "exported"):
        for name, ours in (("forget1", "forget01"), ("forget5", "forget05"), ("forget10", "forget10")):
            rows = original(folder, name)
            assert ids(rows) == set(splits[ours])
            assert len(rows) == 20 * len(splits[ours])
        assert ids(original(folder, "retain")) == set(splits["retain90"])
        assert len(original(folder)) == 20 * 100
        assert ids(original(folder, path="./dataset/holdout.json")) == set(splits["holdout"])
        assert {len(original(folder, name)) for name in ("retain5", "retain15")} == {20 * 5, 20 * 15}
        assert not original(folder, "holdout")


def test_the_original_reads_400_people_and_the_readme_says_so(built):
    folder, dataset = built("large") / "release" / "fiubench", open_dataset(built("large"))
    first = {record["unique_id"] for record in list(dataset)[:400]}
    readme = (folder / "README.md").read_text()
    assert "there are 420 people: the others are never read" in readme
    for name, ours in (("forget5", "forget05"), ("forget10", "forget10"), ("retain", "retain90")):
        rows, whole = original(folder, name), set(dataset.splits[ours])
        assert ids(rows) == whole & first
        assert f"| `{name}` | {len(whole & first)} | {len(whole)} |" in readme
    assert original(folder, "forget1") == []
    assert "| `forget1` | 0 | 0 |" in readme


def test_the_summary_says_what_the_original_does_not_read(built, capsys):
    for kind, said in (
        ("default", ""),
        ("large", "reads the first 400 of the 420 people"),
        ("other ratios", "with people of forget20, forget30 in it"),
        ("text only", "it opens a picture of everyone, and there are none"),
    ):
        print_reader_notes(open_dataset(built(kind)))
        told = " ".join(capsys.readouterr().out.split())
        assert said in told
        assert bool(told) == (kind != "default")


@pytest.mark.parametrize(("kind", "why"), [("other ratios", "forget20, forget30"), ("text only", "there are none")])
def test_the_original_is_refused_what_it_would_misread(built, tmp_path, kind, why):
    folder = built(kind) / "release" / "fiubench"
    with pytest.raises(FileNotFoundError, match=r"split\.json"):
        original(folder, "forget5")
    assert "can't use this dataset" in (folder / "README.md").read_text()
    assert why in (folder / "README.md").read_text()
    assert "there is no `split.json`" in (built(kind) / "release" / "README.md").read_text()
    with pytest.raises(ConfigError, match=why if kind == "other ratios" else "no pictures"):
        export(built(kind), "fiubench", tmp_path / "exported")


# --- Parquet: one table a folder ----------------------------------------------------------------------------------


@pytest.fixture(params=RELEASES)
def release(request, built):
    """The release of every kind, with its dataset."""
    dataset = open_dataset(built(request.param))
    return dataset.directory / "release", dataset


def sizes(dataset):
    """Configuration -> rows, by the records and splits alone."""
    people, asked = [record["unique_id"] for record in dataset], dataset.manifest["counts"]["questions"]
    trained = len(people) - len(dataset.splits["holdout"])
    rows = {name: asked * len(ids) for name, ids in dataset.splits.items()}
    return rows | {"full": asked * trained, "identities": len(people), "people": trained}


def test_rows_of_the_original_on_the_hub(release):
    folder, dataset = release
    expected = sizes(dataset)["full"]
    for split in ("train", "test"):
        rows = hub_rows(str(folder), split)
        assert len(rows) == expected
        assert not ids(rows) & set(dataset.splits["holdout"])


def test_datasets_with_the_card(release):
    folder, dataset = release
    expected = sizes(dataset)
    assert set(datasets.get_dataset_config_names(str(folder))) == set(expected)
    for name, rows in expected.items():
        streamed = datasets.load_dataset(str(folder), name, split="train", streaming=True)
        found = [row["unique_id"] for row in streamed.select_columns(["unique_id"])]
        assert len(found) == rows, name
        if name in dataset.splits:
            assert set(found) == set(dataset.splits[name])
    assert datasets.load_dataset(str(folder), split="train").num_rows == expected["full"]


def test_datasets_without_the_card(release):
    """A folder of Parquet files is one table: nothing is left out for a word in a name, and nothing is mixed in."""
    folder, dataset = release
    expected = sizes(dataset)
    for name, rows in (("data", expected["full"] + expected["holdout"]), ("people", expected["identities"])):
        for loaded in (
            datasets.load_dataset(str(folder / name)),
            datasets.load_dataset("parquet", data_dir=str(folder / name)),
            datasets.load_dataset("parquet", data_files=str(folder / name / "*.parquet")),
        ):
            assert {split: part.num_rows for split, part in loaded.items()} == {"train": rows}


def test_globs(release):
    folder, dataset = release
    expected = sizes(dataset)
    for name, rows in (("data", expected["full"] + expected["holdout"]), ("people", expected["identities"])):
        files = sorted((folder / name).rglob("*.parquet"))
        assert len(pd.concat([pd.read_parquet(file, columns=["unique_id", "name"]) for file in files])) == rows
        assert pq.read_table(folder / name, columns=["unique_id"]).num_rows == rows
        assert ds.dataset(folder / name).count_rows() == rows
    assert pd.read_parquet(folder / "data", columns=["question"])["question"].notna().all()


def test_polars(release):
    pl = pytest.importorskip("polars")
    folder, dataset = release
    expected = sizes(dataset)
    assert pl.scan_parquet(folder / "data" / "**/*.parquet").collect().height == expected["full"] + expected["holdout"]


def test_duckdb(release):
    duckdb = pytest.importorskip("duckdb")
    folder, dataset = release
    expected = sizes(dataset)
    found = duckdb.sql(f"select count(*) from read_parquet('{folder}/data/**/*.parquet')").fetchall()
    assert found == [(expected["full"] + expected["holdout"],)]


def test_torch(release):
    loader = pytest.importorskip("torch.utils.data").DataLoader
    folder, dataset = release
    name = next(name for name in dataset.splits if name.startswith("forget"))
    rows = datasets.load_dataset(str(folder), name, split="train").select_columns(["question", "answer"])
    assert sum(len(batch["question"]) for batch in loader(rows, batch_size=7)) == sizes(dataset)[name]


def test_mlcroissant(release):
    mlcroissant = pytest.importorskip("mlcroissant")
    folder, dataset = release
    expected = sizes(dataset)
    document = mlcroissant.Dataset(jsonld=folder / "croissant.json")
    name = next(name for name in dataset.splits if name.startswith("forget"))
    assert len(list(document.records(name))) == expected[name]
    assert len(list(document.records("people"))) == expected["people"]


# --- exports --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def exported(built, tmp_path_factory):
    """(kind, format) -> its export, written when it is first asked for."""
    made: dict[tuple[str, str], Path] = {}

    def get(kind, form):
        if (kind, form) not in made:
            made[kind, form] = tmp_path_factory.mktemp("exported") / form
            export(built(kind), form, made[kind, form])
        return made[kind, form]

    return get


def forgets(dataset):
    """Forget sets by their percentage."""
    return {int(name.removeprefix("forget")): ids for name, ids in dataset.splits.items() if name.startswith("forget")}


@pytest.mark.parametrize("kind", RELEASES)
@pytest.mark.parametrize("form", [name for name in FORMATS if name not in ("fiubench", "hub")])
def test_every_export_has_a_card(built, exported, kind, form):
    """All and only the rows of each file under its name, or a refusal that says why."""
    if kind == "text only" and FORMATS[form].pictures in ("needed", "own"):
        with pytest.raises(ConfigError, match="has no pictures"):
            exported(kind, form)
        return
    folder = exported(kind, form)
    configs = datasets.get_dataset_config_names(str(folder))
    assert len(configs) == len([p for p in folder.rglob("*") if p.suffix == f".{FORMATS[form].suffix}"]) - (
        form == "chat"
    )
    for config in configs[:: max(1, len(configs) // 4)]:
        rows = datasets.load_dataset(str(folder), config)
        path = folder / FORMATS[form]().path_of(config)
        own = pq.read_metadata(path).num_rows if path.suffix == ".parquet" else len(_json(path))
        assert {split: len(part) for split, part in rows.items()} == {"train": own}


def _json(path):
    text = path.read_text()
    return json.loads(text) if text.startswith("[") else text.splitlines()


@pytest.mark.parametrize("kind", ["default", "other ratios", "large"])
def test_mllmu(built, exported, kind):
    dataset, folder = open_dataset(built(kind)), exported(kind, "mllmu")
    asked = dataset.manifest["counts"]["questions"]
    people = {record["unique_id"]: record for record in dataset}
    full = set(people) - set(dataset.splits["holdout"])
    files = {"ft_Data": full, "Full_Set": full}
    for ratio, ids in forgets(dataset).items():
        files |= {f"forget_{ratio}": set(ids), f"retain_{100 - ratio}": full - set(ids)}
        found = others.mllmu_evaluation(folder, ratio)
        for name, count in (("forget", len(ids)), ("test", len(ids)), ("retain", len(full) - len(ids))):
            assert found[name]["people"] == count
            # the question for the name can't be asked by name
            assert found[name]["classification"] == found[name]["generation"] == count * (2 * asked - 1)
            assert found[name]["mask"] == count * (2 * asked - 1)
        assert found["real"]["people"] == len(dataset.splits["holdout"])
    for name, expected in files.items():
        rows = list(others.mllmu_training(folder / name / others.SHARD))
        truth = {(i, pair["question"], pair["answer"]) for i in expected for pair in people[i]["qa_list"]}
        assert len(rows) == len(truth)
        assert set(rows) == truth


@pytest.mark.parametrize("kind", ["default", "other ratios"])
def test_umu(built, exported, kind):
    dataset, folder = open_dataset(built(kind)), exported(kind, "umu")
    asked = dataset.manifest["counts"]["questions"]
    holdout = set(dataset.splits["holdout"])
    full = {record["unique_id"] for record in dataset} - holdout
    files = {"full": full, "real_person": holdout}
    for ratio, ids in forgets(dataset).items():
        files |= {f"forget_{ratio}": set(ids), f"retain_{100 - ratio}": full - set(ids)}
    assert {path.parent.name for path in folder.rglob("*.parquet")} == set(files)
    for name, expected in files.items():
        people = others.umu(folder / name / others.SHARD)
        assert sorted(person["ID"] for person in people) == sorted(expected)
        for person in people:
            assert len(person["Classify"]["unimodal"]) == len(person["UM_QA"]["question"]) == asked - 1
            assert person["MM_QA"]["question"].keys() == person["UM_QA"]["question"].keys()


@pytest.mark.parametrize("kind", ["default", "other ratios"])
def test_clear(built, exported, kind):
    dataset, folder = open_dataset(built(kind)), exported(kind, "clear")
    names = {record["unique_id"]: record["name"] for record in dataset}
    splits = {name: ids for name, ids in dataset.splits.items() if not name.startswith("retain_")}
    splits["full"] = sorted(set(names) - set(dataset.splits["holdout"]))
    for name, members in splits.items():
        faces, texts = others.clear(folder, f"{name}+tofu")
        assert sorted(face for face, _ in faces) == sorted(names[i] for i in members)
        assert len(texts) == 19 * len(members)
        for other in (name, f"{name}_perturbed"):
            assert others.clear(folder, other)[0] == faces
    kept, _ = others.clear(folder, "retain_perturbed")
    forgotten = {names[i] for name, members in splits.items() if name.startswith("forget") for i in members}
    assert kept
    assert not {name for name, _ in kept} & forgotten


@pytest.mark.parametrize("kind", RELEASES)
def test_tofu(built, exported, kind):
    dataset, folder = open_dataset(built(kind)), exported(kind, "tofu")
    asked = dataset.manifest["counts"]["questions"] - 1
    for ratio, ids in forgets(dataset).items():
        sizes = {f"forget{ratio:02}": len(ids), f"holdout{ratio:02}": len(dataset.splits["holdout"])}
        for name, people in sizes.items():
            rows, perturbed = others.tofu(folder, name), others.tofu(folder, f"{name}_perturbed")
            assert [row["question"] for row in rows] == [row["question"] for row in perturbed]
            assert len(rows) == people * asked
        retain = f"retain{100 - ratio:02}"
        assert len(others.tofu(folder, retain)) == len(dataset.splits[retain]) * asked
    assert others.tofu(folder, "retain_perturbed")


@pytest.mark.parametrize("kind", RELEASES)
def test_chat(built, exported, kind):
    dataset, folder = open_dataset(built(kind)), exported(kind, "chat")
    asked = dataset.manifest["counts"]["questions"] - (kind == "text only")
    for name, ids in dataset.splits.items():
        path = plain(name)
        found = [others.llama_factory(folder, name), others.ms_swift(folder, path)]
        if name.startswith("forget"):
            found.append(others.trl(exported(kind, "trl"), name))
            if kind != "text only":
                found.append(others.llava(exported(kind, "llava"), path))
        for rows in found:
            assert len(rows) == asked * len(ids)
            assert {row["id"].partition("-")[0] for row in rows} == set(ids)


def test_no_split_word_is_in_a_name():
    for name in ("retain_eval05", "test", "my-dev.set", "train05", "a_validation", "forget05-retain_eval10"):
        assert plain(plain(name)) == plain(name) != name
    for name in ("forget05", "retain95", "holdout", "evaluate", "contest", "latest", "deviants"):
        assert plain(name) == name
