"""New splits for a dataset that is there: what moves, what does not, and that they can be cut again."""

import shutil
from pathlib import Path

import datasets
import numpy as np
import orjson
import pytest
from fiubench.builder.dataset.cells import make_cells
from fiubench.builder.dataset.compare import compare
from fiubench.builder.dataset.hard_negatives import nearest_pairs, vectors_of
from fiubench.builder.exports.write import export
from fiubench.builder.hub.versions import changes_between
from fiubench.builder.pipeline.resplit import split
from fiubench.builder.pipeline.verify import verify
from fiubench.builder.release.older import MovedRows, OlderTables
from fiubench.builder.rules.validate import validate
from fiubench.raw_sources.reading.embeddings import _pixels
from fiubench.support.errors import ConfigError, DatasetError, Refused
from fiubench.unlearning.data.dataset import Data
from hypothesis import given
from hypothesis import strategies as st

from fiubench import build, make_config, open_dataset

SETTINGS = {"identities": 60, "holdout": 6, "ratios": [5, 10], "image_size": 64}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    out = tmp_path_factory.mktemp("built") / "dataset"
    build(make_config(SETTINGS), out)
    return out


def rows(folder: Path, config: str) -> list[dict]:
    loaded = datasets.load_dataset(str(folder / "release"), config, split="train", streaming=True)
    return list(loaded.select_columns(["unique_id", "attribute", "question"]))


def test_requests_as_one_forget_set(built, tmp_path):
    """Of each person what was asked for is forgotten, and all else retained; the manifest says so, and it verifies."""
    a, b, c, *_ = open_dataset(built).splits["forget10"]
    lines = [{"who": [a], "attributes": ["phone_number"]}, {"who": [b]}, {"who": [a, c], "attributes": ["doctor"]}]
    file = tmp_path / "requests.jsonl"
    file.write_bytes(b"\n".join(map(orjson.dumps, lines)))
    made = split(built, tmp_path / "cut", requests=file)
    asked = {(a, "phone_number"), (a, "doctor"), (c, "doctor")} | {(b, name) for name in made.manifest["attributes"]}
    forgotten = {(row["unique_id"], row["attribute"]) for row in rows(tmp_path / "cut", "forget05")}
    retained = {(row["unique_id"], row["attribute"]) for row in rows(tmp_path / "cut", "retain95")}
    everything = {(row["unique_id"], row["attribute"]) for row in rows(tmp_path / "cut", "full")}
    assert forgotten == asked and retained == everything - asked and len(everything) == 60 * 20
    assert {(row["unique_id"], row["attribute"]) for row in made.rows("forget05")} == asked
    assert list(verify(tmp_path / "cut")) == [] == list(validate(tmp_path / "cut"))
    assert "--requests requests.jsonl" in (tmp_path / "cut" / "release" / "README.md").read_text()
    again = split(tmp_path / "cut", tmp_path / "again", seed=5)  # what it has is kept
    assert again.own_attributes == made.own_attributes and again.splits["forget05"] == made.splits["forget05"]
    assert split(tmp_path / "cut", tmp_path / "other", ratios=[5]).own_attributes == {}
    whole = Data.open(tmp_path / "cut")
    assert whole.digest == Data.open(tmp_path / "cut" / "release").digest
    assert {(s.unique_id, s.attribute) for s in whole.samples("forget05")} == asked
    assert {(s.unique_id, s.attribute) for s in whole.samples("retain95")} == everything - asked


def test_the_same_people_and_attributes_asked_for_otherwise(built, tmp_path):
    a, b, c, *_ = open_dataset(built).splits["forget10"]
    for name, (first, second) in {"one": (a, c), "other": (c, a)}.items():
        lines = [
            {"who": [first], "attributes": ["phone_number", "doctor"]},
            {"who": [b, second], "attributes": ["doctor"]},
        ]
        (tmp_path / name).with_suffix(".jsonl").write_bytes(b"\n".join(map(orjson.dumps, lines)))
        split(built, tmp_path / name, requests=(tmp_path / name).with_suffix(".jsonl"))
    found = [(each.attribute, each.kind, each.b) for each in compare(tmp_path / "one", tmp_path / "other")]
    assert found == [("(forget sets)", "split", "about phone_number, doctor: 4 facts of 3 people")]
    changes = changes_between(tmp_path / "one", tmp_path / "other")
    said = "The forget sets are now about phone_number, doctor, of each person what `splits.json` says."
    assert (changes.level, changes.sentences) == ("major", [said])
    assert export(tmp_path / "one", "mcq", tmp_path / "mcq")["forget05.parquet"] == 4


def test_requests_that_do_not_fit(built, tmp_path):
    held_out = open_dataset(built).splits["holdout"][0]
    file = tmp_path / "requests.jsonl"
    file.write_bytes(orjson.dumps({"who": [held_out]}))
    with pytest.raises(ConfigError, match=rf"requests.jsonl:1: nobody that can be forgotten is '{held_out}'"):
        split(built, tmp_path / "cut", requests=file)
    with pytest.raises(ConfigError, match="requests say who and what"):
        split(built, tmp_path / "cut", requests=file, ratios=[5])
    splits = open_dataset(built).splits
    file.write_bytes(orjson.dumps({"who": splits["forget10"] + splits["retain90"], "attributes": ["doctor"]}))
    with pytest.raises(ConfigError, match=r"--requests .*: something about everybody is to be forgotten"):
        split(built, tmp_path / "cut", requests=file)


def test_the_same_rule_gives_the_same_splits(built, tmp_path):
    split(built, tmp_path / "out")
    assert (built / "splits.json").read_bytes() == (tmp_path / "out" / "splits.json").read_bytes()


@pytest.mark.parametrize(
    ("rule", "settings"),
    [
        ({"ratios": (20, 30)}, {"ratios": [20, 30]}),
        ({"split_scheme": "disjoint"}, {"split_scheme": "disjoint"}),
    ],
)
def test_as_if_it_had_been_built_so(built, tmp_path, rule, settings):
    """Same splits, same Parquet files, same layout of the original as a build with those settings."""
    split(built, tmp_path / "cut", **rule)
    build(make_config(SETTINGS | settings), tmp_path / "built")
    names = [
        "splits.json",
        "identities.jsonl",
        "release/fiubench/dataset/full.json",
        "release/fiubench/README.md",
    ]
    data = sorted(p.relative_to(tmp_path / "built").as_posix() for p in (tmp_path / "built/release/data").iterdir())
    assert data == sorted(p.relative_to(tmp_path / "cut").as_posix() for p in (tmp_path / "cut/release/data").iterdir())
    for name in [*names, *data]:
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "built" / name).read_bytes(), name


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize(
    ("rule", "copied"),
    [
        ({}, 8),  # nobody moves: every table is the same file
        ({"ratios": (5, 20)}, 4),  # forget05, its retain_eval, and both tables of the holdout
        ({"ratios": (10,), "attributes": ("phone_number", "address")}, 2),
        ({"holdout": 0, "seed": 4}, 0),
    ],
)
def test_rows_move_as_if_they_had_been_made(built, tmp_path, monkeypatch, rule, copied):
    """What takes the rows of the release that is there writes the bytes of what makes them; they share no file."""
    digests = []
    copy = MovedRows._copy
    monkeypatch.setattr(MovedRows, "_copy", lambda self, path, name: (copy(self, path, name), digests.append(name)))
    taken = split(built, tmp_path / "taken", **rule)
    assert len(digests) == copied
    again = split(taken.directory, tmp_path / "again", ratios=(10, 30), attributes=("offense",))
    monkeypatch.setattr(OlderTables, "of", classmethod(lambda *_: None))
    split(built, tmp_path / "made", **rule)
    split(tmp_path / "made", tmp_path / "made again", ratios=(10, 30), attributes=("offense",))
    for one, other in ((taken.directory, tmp_path / "made"), (again.directory, tmp_path / "made again")):
        assert tree(one) == tree(other)
        assert all(path.stat().st_nlink == 1 for path in one.rglob("*.parquet"))


def test_a_table_that_is_changed_while_it_is_copied(built, tmp_path, monkeypatch):
    monkeypatch.setattr("fiubench.builder.release.older.file_digest", lambda _: "0" * 64)
    with pytest.raises(DatasetError, match="was changed while it was read"):
        split(built, tmp_path / "out")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("holdout", [0, 1, 16])
def test_the_last_are_held_out(built, tmp_path, holdout):
    made = split(built, tmp_path / "out", holdout=holdout, ratios=(10, 2.5))
    ids = [record["unique_id"] for record in open_dataset(built)]
    assert made.splits.get("holdout", []) == ids[66 - holdout :]
    assert set(made.splits["forget2p5"]) | set(made.splits["retain97p5"]) == set(ids[: 66 - holdout])
    assert made.manifest["counts"]["holdout"] == holdout
    assert not list(validate(made.directory))
    assert not list(verify(made.directory, {}))
    split(made.directory, tmp_path / "again", seed=3)
    assert open_dataset(tmp_path / "again").splits.get("holdout", []) == ids[66 - holdout :]


def test_it_is_a_dataset(built, tmp_path):
    rule = {"ratios": (10, 20), "seed": 9, "holdout": 10}
    rule |= {"attributes": ("blood_type", "phone_number"), "hard_negatives": "looks"}
    made = split(built, tmp_path / "out", **rule)
    assert not list(validate(made.directory))
    assert not list(verify(made.directory, {}))
    assert made.manifest["fingerprint"] != open_dataset(built).manifest["fingerprint"]
    assert [r["name"] for r in made] == [r["name"] for r in open_dataset(built)]
    # and can be split again, back to what it was
    back = {"ratios": (5, 10), "seed": 0, "holdout": 6}
    split(made.directory, tmp_path / "back", **back)
    assert (built / "splits.json").read_bytes() == (tmp_path / "back" / "splits.json").read_bytes()


def test_another_seed_moves_people(built, tmp_path):
    split(built, tmp_path / "out", seed=1)
    assert open_dataset(tmp_path / "out").splits["forget10"] != open_dataset(built).splits["forget10"]
    assert not list(verify(tmp_path / "out", {}))
    assert open_dataset(tmp_path / "out").manifest["config"]["seed"] == 0  # the facts' seed stays


def test_frozen_membership(built, tmp_path):
    ids = open_dataset(built).splits["retain90"][:4]
    (tmp_path / "mine.json").write_bytes(orjson.dumps({"forget7": ids}))
    split(built, tmp_path / "out", split_scheme=str(tmp_path / "mine.json"))
    made = open_dataset(tmp_path / "out")
    assert made.splits["forget07"] == ids
    assert len(made.splits["retain93"]) == 56
    assert not list(validate(made.directory))
    assert not list(verify(made.directory, {}))
    assert str(tmp_path) not in (made.directory / "manifest.json").read_text()


def test_by_attribute(built, tmp_path):
    split(built, tmp_path / "out", ratios=(10,), attributes=("phone_number",))
    forget, retain, full = (rows(tmp_path / "out", name) for name in ("forget10", "retain90", "full"))
    ids = set(open_dataset(tmp_path / "out").splits["forget10"])
    assert {(row["unique_id"], row["attribute"]) for row in forget} == {(i, "phone_number") for i in ids}
    assert len(full) == 60 * 20
    pairs = [{(row["unique_id"], row["attribute"]) for row in part} for part in (forget, retain, full)]
    assert pairs[0] | pairs[1] == pairs[2]
    assert not pairs[0] & pairs[1]
    assert len({row["unique_id"] for row in retain}) == 60
    card = (tmp_path / "out" / "release" / "README.md").read_text()
    assert "| `forget10` | the 10% to forget: phone_number | 6 | 6 |" in card
    assert "| `full` | everyone that a model is trained on | 60 | 1,200 |" in card
    # the original's splits know whole people alone
    assert not (tmp_path / "out" / "release" / "fiubench" / "dataset" / "split.json").exists()
    assert "only phone_number is to be forgotten" in (tmp_path / "out/release/fiubench/README.md").read_text()


@given(
    st.sets(st.integers(0, 19), min_size=1, max_size=10),
    st.sets(st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=3),
)
def test_pieces_cover_every_question_once(forgotten, attributes):
    """forget and its retain set share no question and leave none out, whoever and whatever is forgotten."""
    ids = [f"{i:08}" for i in range(20)]
    forget = [ids[i] for i in sorted(forgotten)]
    splits = {"forget10": forget, "retain90": [i for i in ids if i not in forget], "retain_eval10": []}
    cells = make_cells(splits, sorted(attributes))
    seen: dict[str, list[tuple[str, str]]] = {"full": [], "forget10": [], "retain90": []}
    for unique_id in ids:
        record = {"unique_id": unique_id, "qa_list": [{"attribute": name} for name in "abcd"]}
        for cell, piece in cells.pieces(record):
            for name in set(cells.splits[cell]) & set(seen):
                seen[name] += [(unique_id, pair["attribute"]) for pair in piece["qa_list"]]
    assert sorted(seen["full"]) == sorted((i, name) for i in ids for name in "abcd")
    assert sorted(seen["forget10"] + seen["retain90"]) == sorted(seen["full"])
    assert set(seen["forget10"]) == {(i, name) for i in forget for name in attributes}


def test_hard_negatives(built, tmp_path):
    split(built, tmp_path / "out", hard_negatives="looks")
    made = open_dataset(tmp_path / "out")
    document = orjson.loads((made.directory / "splits.json").read_bytes())
    for label in ("05", "10"):
        pairs = document["hard_negatives"]["pairs"][f"forget{label}"]
        assert [pair[0] for pair in pairs] == made.splits[f"forget{label}"]
        assert sorted(pair[1] for pair in pairs) == sorted(made.splits[f"retain_hard{label}"])
        assert set(made.splits[f"retain_hard{label}"]) <= set(made.splits[f"retain{100 - int(label)}"])
    assert len(rows(made.directory, "retain_hard10")) == 6 * 20
    assert not list(verify(made.directory, {}))
    # nearer than somebody drawn by lot
    images = {record["unique_id"]: made.image(record) for record in made}
    vectors = vectors_of(images, "looks")
    by_lot = zip(made.splits["forget10"], made.splits["retain_eval10"], strict=True)
    drawn = np.mean([np.linalg.norm(vectors[a] - vectors[b]) for a, b in by_lot])
    assert np.mean([pair[2] for pair in document["hard_negatives"]["pairs"]["forget10"]]) < 0.8 * drawn


@pytest.mark.parametrize("measure", ["looks", "embedding"])
def test_a_picture_that_does_not_open_is_named(tmp_path, measure, monkeypatch):
    monkeypatch.setattr("fiubench.builder.dataset.hard_negatives.embedder", lambda: _pixels)
    for name, says in (("text.jpg", "does not open: not a picture"), ("absent.jpg", "cannot be read: No such file")):
        (tmp_path / "text.jpg").write_text("text")
        with pytest.raises(DatasetError, match=says) as told:
            vectors_of({"00000001": tmp_path / name}, measure)
        assert str(tmp_path / name) in str(told.value)


def test_nearest_pairs_takes_nobody_twice():
    vectors = {name: np.array([x, 0], dtype=np.float32) for name, x in zip("abcde", (0, 0.1, 0.2, 5, 9), strict=True)}
    assert nearest_pairs(vectors, ["a", "b"], ["c", "d", "e"]) == [["a", "c", 0.2], ["b", "d", 4.9]]
    assert nearest_pairs(vectors, ["a", "b"], ["c"]) == [["a", "c", 0.2]]
    assert nearest_pairs(vectors, ["a", "nobody"], ["c", "d"]) == [["a", "c", 0.2]]
    assert nearest_pairs(vectors, ["a"], []) == []


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"ratios": (1,)}, "less than one person"),
        ({"ratios": (60, 50), "split_scheme": "disjoint"}, "leave nobody"),
        ({"holdout": 66}, "66 of 66 people"),
        ({"split_scheme": "nestd"}, "Did you mean 'nested'?"),
        ({"attributes": ("phone_numbr",)}, "Did you mean 'phone_number'?"),
        ({"hard_negatives": "look"}, "Did you mean 'looks'?"),
        ({"ratios": (0,)}, "ratios"),
    ],
)
def test_rules_that_do_not_fit(built, tmp_path, rule, told):
    with pytest.raises(ConfigError) as error:
        split(built, tmp_path / "out", **rule)
    assert told in str(error.value)
    assert not list(tmp_path.iterdir())


def test_folders_that_do_not_fit(built, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(DatasetError, match="not an empty folder"):
        split(built, tmp_path / "full")
    shutil.copytree(built, tmp_path / "touched")
    (tmp_path / "touched" / "splits.json").write_text("{}")
    with pytest.raises(Refused, match="changed since it was built"):
        split(tmp_path / "touched", tmp_path / "out")


def test_no_faces_no_hard_negatives(tmp_path):
    build(make_config(SETTINGS | {"faces": "none"}), tmp_path / "text")
    with pytest.raises(ConfigError, match="no faces to compare"):
        split(tmp_path / "text", tmp_path / "out", hard_negatives="looks")
    split(tmp_path / "text", tmp_path / "out", attributes=("address",))
    assert not list(validate(tmp_path / "out"))
