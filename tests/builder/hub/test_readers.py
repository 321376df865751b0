"""What somebody reads who has never heard of fiubench: `datasets`, pandas, the original's loader, mlcroissant."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from tests.builder.hub.harness import REPO, Commands
from tests.builder.others import original

_SCRIPTS = {
    "datasets streaming": """
rows = datasets.load_dataset(REPO, "forget05", revision="v1.0.0", split="train", streaming=True)
first = next(iter(rows))
assert first["image"].size == (64, 64), first
assert first["question"] and first["answer"] and len(first["perturbed_answer"]) == 3
assert sorted(datasets.get_dataset_config_names(REPO, revision="v1.0.0")) == sorted(NAMES)
print(len(list(rows.remove_columns("image"))))
""",
    "datasets in memory": """
people = datasets.load_dataset(REPO, "identities", revision="v1.0.0", split="train")
assert people[0]["image"].size == (64, 64)
assert set(people["dataset_version"]) == {"v1.0.0"}
print(len(people))
""",
    "the card's own lines": """
import re, huggingface_hub
card = huggingface_hub.hf_hub_download(REPO, "README.md", repo_type="dataset", revision="v1.0.0")
blocks = re.findall("```python\\n(.*?)```", open(card, encoding="utf-8").read(), re.DOTALL)
for block in blocks:
    exec(block)
full = huggingface_hub.hf_hub_download(REPO, "fiubench/dataset/full.json", repo_type="dataset")
record = json.loads(open(full).readline())
from PIL import Image as Picture
assert Picture.open(record["image_path"]).size == (64, 64)
print(len(blocks), len(list(Path("dataset/images").iterdir())))
""",
}


@pytest.mark.parametrize(
    ("script", "printed"),
    [("datasets streaming", "40"), ("datasets in memory", "48"), ("the card's own lines", "2 48")],
)
def test_from_the_hub(published: Commands, tmp_path: Path, script: str, printed: str) -> None:
    names = ["full", "forget05", "retain95", "retain_eval05", "forget10", "retain90", "retain_eval10", "holdout",
             "identities", "people"]  # fmt: skip
    code = f"import datasets, json\nREPO = {REPO!r}\nNAMES = {names!r}\n" + _SCRIPTS[script]
    env = {**published.env, "HF_ENDPOINT": published.hub.endpoint, "HF_HOME": str(tmp_path / "hf")}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[-2] == printed


@pytest.fixture(scope="module")
def snapshot(published: Commands, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository's files as they are, fetched with the hub's own client."""
    folder = tmp_path_factory.mktemp("snapshot")
    code = f"import huggingface_hub as h; h.snapshot_download({REPO!r}, repo_type='dataset', local_dir={str(folder)!r})"
    env = {**published.env, "HF_ENDPOINT": published.hub.endpoint}
    subprocess.run([sys.executable, "-c", code], check=True, env=env, capture_output=True)
    return folder


def test_pandas(snapshot: Path) -> None:
    import pandas as pd

    frame = pd.concat([pd.read_parquet(path) for path in sorted(snapshot.glob("data/*.parquet"))])
    assert len(frame) == 48 * 20
    assert frame["image"].iloc[0]["bytes"][:2] == b"\xff\xd8"
    assert set(frame["category"]) == {"personal", "health", "criminal"}


def test_the_loader_of_the_original(snapshot: Path) -> None:
    """Started where its README says, with the pictures that the README's lines put there."""
    dataset = snapshot / "fiubench" / "dataset"
    assert not (dataset / "images").exists()
    lines = (snapshot / "fiubench" / "README.md").read_text().partition("```python\n")[2].partition("```")[0]
    subprocess.run([sys.executable, "-c", lines], cwd=snapshot / "fiubench", check=True)
    splits = json.loads((dataset / "split.json").read_text())
    assert len(original(snapshot / "fiubench")) == 44 * 20
    assert len(original(snapshot / "fiubench", "retain")) == 40 * 20
    assert len(original(snapshot / "fiubench", path="./dataset/holdout.json")) == 4 * 20
    by_id = {row["unique_id"]: row for row in map(json.loads, (dataset / "full.json").open())}
    shutil.rmtree(dataset / "images")
    assert len(splits["forget5"]) == 2
    for name in ("forget5", "forget10", "retain5", "retain15"):
        for unique_id in splits[name]:
            person = by_id[unique_id]
            assert person["image_path"] == f"./dataset/images/{unique_id}.jpg"
            assert len(person["qa_list"]) == 20
            for qa in person["qa_list"]:
                assert isinstance(qa["paraphrased_answer"], str)
                assert len(qa["paraphrased_question"]) == len(qa["perturbed_answer"]) == 3
                assert qa["keywords"]
    assert set(json.loads((dataset / "prompt.json").read_text())) == {"idk", "icd"}


def test_mlcroissant(snapshot: Path) -> None:
    import mlcroissant

    dataset = mlcroissant.Dataset(jsonld=str(snapshot / "croissant.json"))
    assert str(dataset.metadata.version) == "1.0.0"
    row = next(iter(dataset.records("forget05")))
    assert row["forget05/question"]
    assert len(list(dataset.records("identities"))) == 48


def test_the_card_and_the_manifest_tell_the_version(snapshot: Path) -> None:
    manifest = orjson.loads((snapshot / "manifest.json").read_bytes())
    assert manifest["published"]["version"] == "v1.0.0"
    card = (snapshot / "README.md").read_text()
    assert f'load_dataset("{REPO}", "full", split="train", revision="v1.0.0")' in card
    assert f"howpublished = {{Hugging Face dataset {REPO}, version v1.0.0}}" in card
    assert "## Changelog\n\n### v1.0.0\n\n- First release" in card
    assert "fiubench build --out dataset" in card
