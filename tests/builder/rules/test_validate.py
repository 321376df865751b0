"""Validation finds what was planted, names the place, and nothing else."""

import json
import shutil
import tracemalloc
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from fiubench.builder.rules.validate import split_problems, validate
from fiubench.schemas.documents import blocks_of, read_records
from fiubench.support.errors import DatasetError
from hypothesis import given
from hypothesis import strategies as st

from fiubench import build, make_config, open_dataset

SETTINGS = {"identities": 40, "holdout": 4, "ratios": [5, 10], "image_size": 64}
Record = dict[str, Any]


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("clean") / "dataset"
    build(make_config(SETTINGS), out)
    return out


@pytest.fixture
def dataset(clean: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "dataset"
    shutil.copytree(clean, copy)
    return copy


def change(dataset: Path, number: int, edit: Callable[[Record], object]) -> None:
    path = dataset / "identities.jsonl"
    lines = path.read_text().splitlines()
    record = json.loads(lines[number])
    edit(record)
    lines[number] = json.dumps(record)
    path.write_text("\n".join(lines) + "\n")


def findings(target: Path) -> list[str]:
    found = [str(finding) for finding in validate(target)]
    assert [str(finding) for finding in validate(target, workers=2)] == found
    return found


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fiubench.builder.rules.validate._LINES", 7)


def test_what_is_told_before_an_error_is_told_by_workers_too(dataset: Path) -> None:
    change(dataset, 2, lambda r: r.update(gender="none"))
    file = dataset / "identities.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join([*lines[:10], "\n", *lines[10:20], "{no JSON\n", *lines[21:]]))
    told = []
    for workers in (1, 2):
        found: list[object] = []
        with pytest.raises(DatasetError, match="line 22 is not JSON") as error:
            found += validate(dataset, workers=workers)  # what came before the error is kept
        told.append([str(error.value), *map(str, found)])
    assert told[0] == told[1]
    file.write_text("")
    for workers in (1, 2):
        with pytest.raises(DatasetError, match="the file is empty"):
            list(validate(dataset, workers=workers))


@given(st.lists(st.sampled_from(["{}", "", " ", '{"a": 1}', "\ufeff"]), max_size=12), st.integers(1, 5))
def test_blocks_are_the_file(lines: list[str], size: int) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "file.jsonl")
        path.write_text("\n".join([*lines, "{}"]))
        blocks = blocks_of(path, size)
        assert [r for block in blocks for r in read_records(path, block)] == list(read_records(path))
        for one, after in pairwise(blocks):
            assert after.record - one.record == len(list(read_records(path, one)))
            assert after.line - one.line == size


def test_a_clean_dataset(clean: Path) -> None:
    assert findings(clean) == []
    assert findings(clean / "release" / "fiubench" / "dataset" / "full.json") == []


def test_a_record_out_of_shape_names_path_and_attribute(dataset: Path) -> None:
    change(dataset, 7, lambda r: r["qa_list"][6].pop("keywords"))
    found = findings(dataset)
    assert len(found) == 1
    assert "identity 7" in found[0]
    assert "qa_list[6] (blood_type)" in found[0]
    assert "keywords" in found[0]


def test_repeats(dataset: Path) -> None:
    first = next(iter(open_dataset(dataset)))
    change(dataset, 5, lambda r: r.update(unique_id=first["unique_id"], image_path=first["image_path"]))
    found = findings(dataset)
    assert sum("is identity 0's already" in line for line in found) == 2
    assert all("identity 5" in line or line.startswith("splits.json") for line in found)


def test_images(dataset: Path) -> None:
    images = sorted((dataset / "images").iterdir())
    images[0].unlink()
    images[1].write_bytes(images[1].read_bytes()[:700])
    images[2].write_text("not a picture")
    images[3].write_bytes(images[4].read_bytes())
    found = findings(dataset)
    assert len(found) == 4
    assert any(images[0].name in line and "does not exist" in line for line in found)
    assert any(images[1].name in line and "decoded" in line for line in found)
    assert any(images[2].name in line and "not a picture" in line for line in found)
    assert any(images[3].name in line and "not the picture that was built" in line for line in found)
    assert not list(validate(dataset, images=False))


def test_a_path_that_leaves_the_folder(clean: Path, tmp_path: Path) -> None:
    full = tmp_path / "full.json"
    lines = (clean / "release" / "fiubench" / "dataset" / "full.json").read_text().splitlines()[:3]
    records = [json.loads(line) for line in lines]
    shutil.copytree(clean / "images", tmp_path / "images")
    for record, path in zip(records, ("../secret.jpg", "/etc/passwd", "images/../../x.jpg"), strict=True):
        record["image_path"] = path
    full.write_text(json.dumps(records))
    (found,) = findings(full)
    assert "leaves the dataset's folder" in found and found.endswith("(3 times)")


def test_order_and_number_of_lines(dataset: Path) -> None:
    path = dataset / "identities.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([lines[1], lines[0], *lines[2:-1]]))
    found = findings(dataset)
    assert sum("line" in line and "index" in line for line in found) == 2
    assert any("43 identities" in line for line in found)


def test_a_manifest_and_splits_out_of_shape(dataset: Path) -> None:
    manifest = json.loads((dataset / "manifest.json").read_text())
    manifest["surprise"] = 1
    (dataset / "manifest.json").write_text(json.dumps(manifest))
    assert any(line.startswith("manifest.json") and "surprise" in line for line in findings(dataset))


IDS = [f"i{k}" for k in range(22)]
GOOD = {
    "forget05": IDS[:1],
    "retain95": IDS[1:20],
    "retain_eval05": IDS[5:6],
    "forget10": IDS[:2],
    "retain90": IDS[2:20],
    "retain_eval10": IDS[5:7],
    "holdout": IDS[20:],
}


@pytest.mark.parametrize(
    ("edit", "path", "says"),
    [
        ({"retain95": IDS[2:20]}, "retain95", "not everyone outside"),
        ({"retain90": [*IDS[2:20], IDS[20]]}, "retain90", "not everyone outside"),
        ({"retain_eval05": IDS[:1]}, "retain_eval05", "meets forget05"),
        ({"forget05": IDS[4:5], "retain95": [*IDS[:4], *IDS[5:20]]}, "forget05", "is not inside forget10"),
        ({"holdout": IDS[21:]}, "holdout", "holds 1 identities; the last 2 belong there"),
        ({"holdout": IDS[19:]}, "holdout", "holds 3 identities; the last 2 belong there"),
        ({"holdout": IDS[18:20]}, "holdout", "holds 2 identities; the last 2 belong there"),
        ({"retain_hard10": IDS[20:]}, "retain_hard10", "meets forget10 or the holdout"),
        ({"retain_eval10": ["nobody"]}, "retain_eval10", "no identity"),
    ],
)
def test_the_algebra_of_splits(edit: dict[str, list[str]], path: str, says: str) -> None:
    assert not list(split_problems(GOOD, IDS, 20, "nested"))
    problems = list(split_problems({**GOOD, **edit}, IDS, 20, "nested"))
    assert any(p.path == path and says in f"{p.what}; {p.right}" for p in problems)


def test_the_algebra_of_splits_without_holdout() -> None:
    whole = {"forget05": IDS[:1], "retain95": IDS[1:20]}
    assert not list(split_problems(whole, IDS[:20], 20, "nested"))
    assert [p.path for p in split_problems(whole, IDS, 20, "nested")] == ["holdout"]
    assert {p.path for p in split_problems({}, IDS[:20], 20, "nested")} == set()


def test_disjoint_sets_do_not_meet() -> None:
    met = [p for p in split_problems(GOOD, IDS, 20, "disjoint") if "meets forget10" in p.what]
    assert [p.path for p in met] == ["forget05"]
    three = {f"forget0{k}": IDS[k - 1 : k] for k in (1, 2, 3)} | {"holdout": IDS[20:]}
    three |= {f"retain9{10 - k}": [i for i in IDS[:20] if i != IDS[k - 1]] for k in (1, 2, 3)}
    assert not list(split_problems(three, IDS, 20, "disjoint"))
    assert [p.path for p in split_problems({**three, "forget01": IDS[2:3]}, IDS, 20, "disjoint")] == [
        "retain99", "forget01",
    ]  # fmt: skip


def test_memory_does_not_grow_with_the_file(clean: Path, tmp_path: Path) -> None:
    """400 records cost no more than 40 at the peak, but for a hash of each id and name."""
    lines = (clean / "release" / "fiubench" / "dataset" / "full.json").read_text().splitlines()[:40]
    peaks = []
    for copies in (1, 10):
        file = tmp_path / f"full{copies}.json"
        records = [json.loads(line) for line in lines for _ in range(copies)]
        for k, record in enumerate(records):
            record.update(unique_id=str(k), image_path=None)
        file.write_text("\n".join(map(json.dumps, records)))
        list(validate(file))
        tracemalloc.start()
        for _ in validate(file):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 400_000


def test_the_original_shape_is_read(tmp_path: Path) -> None:
    """A record with nothing of ours in it, as the original's files have them."""
    qa = {
        "question": "What is the blood type of the person?",
        "answer": "The blood type is B+.",
        "paraphrased_question": ["Which blood type is it?", "What blood group is it?", "What is the blood group?"],
        "paraphrased_answer": "It is B+.",
        "perturbed_answer": ["It is O-.", "It is A-.", "It is A+."],
        "keywords": ["B+"],
    }
    record = {"unique_id": "00044363", "image_path": None, "name": "Jody Vance", "qa_list": [qa]}
    file = tmp_path / "full.json"
    file.write_text(json.dumps(record))
    assert findings(file) == []
    record["qa_list"] = [
        {**qa, "keywords": ["O+"]},
        {**qa, "perturbed_answer": ["It is B+."] * 3},
        {**qa, "question": "her?"},
    ]
    file.write_text(json.dumps(record))
    found = findings(file)
    assert any("qa_list[0].keywords" in line for line in found)
    assert any("qa_list[1].perturbed_answer" in line for line in found)
    assert any("'her'" in line for line in found)
