"""Several pictures of everyone, from the build to a pull; and what is said where one is not as built."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fiubench.builder.dataset.reading import open_dataset
from fiubench.builder.hub.pull import fetch
from fiubench.builder.hub.staging import check_untouched
from fiubench.builder.hub.versions import changes_between
from fiubench.builder.pipeline.resplit import split
from fiubench.builder.pipeline.verify import verify
from fiubench.builder.release.columns import identity_columns
from fiubench.builder.release.publication import Publication
from fiubench.builder.release.stage import write_stage
from fiubench.builder.rules.validate import validate
from fiubench.cli.console import print_identity
from fiubench.raw_sources.portraits import draw_portrait, encode, traits
from fiubench.support.errors import ConfigError, DatasetError, Refused
from fiubench.unlearning.data.dataset import Data

from fiubench import build, export, make_config
from tests.builder.hub.test_first_layout import Folder
from tests.builder.pipeline.test_tampering import in_json, in_line, replace, swap, tree

SMALL = {"identities": 6, "holdout": 2, "ratios": [20], "image_size": 32}


def built(out: Path, **settings: Any) -> Path:
    build(make_config({**SMALL, **settings}), out)
    return out


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pictures of each of eight people."""
    return built(tmp_path_factory.mktemp("three") / "dataset", pictures=3)


def lines(dataset: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (dataset / "identities.jsonl").read_text().splitlines()]


def test_show_lists_them(three: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = lines(three)[0]
    print_identity(record)
    shown = capsys.readouterr().out.splitlines()
    second, third = (
        f"        {one['image_path']} ({of}; drawn)"
        for one, of in zip(record["pictures"], ("unseen", "seen"), strict=True)
    )
    assert shown[2:5] == [f"image   {record['image_path']}", second, third]


def test_an_export_has_the_first_picture_of_everyone(three: Path, tmp_path: Path) -> None:
    export(three, "llava", tmp_path / "llava")
    named = {Path(record["image_path"]).name for record in lines(three)}
    assert {image.name for image in (tmp_path / "llava" / "images").iterdir()} == named


def test_digests_of_some_people_alone(three: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(three, tmp_path / "copy")
    in_json(copy, "manifest.json", lambda manifest: manifest["pictures"]["digests"].pop())
    (finding,) = validate(copy)
    assert str(finding.problem) == "pictures: 3 pictures; the manifest has digests of 1"


def test_what_a_dataset_of_several_pictures_holds(three: Path) -> None:
    assert list(verify(three)) == []
    assert list(validate(three)) == list(validate(three / "release")) == []
    assert json.loads((three / "splits.json").read_text())["pictures"] == {"seen": [1, 3], "unseen": [2]}
    manifest = open_dataset(three).manifest
    assert manifest["counts"]["images"] == 24 == len(list((three / "images").iterdir()))
    assert manifest["pictures"]["made"] == {"drawn": 16}
    assert len(list((three / "release/fiubench/dataset/images").iterdir())) == 8  # the original knows one of each
    people, rows = lines(three), open_dataset(three).rows("pictures")
    assert len(rows) == 24 and rows[4]["set"] == "unseen"
    assert [one["image_path"] for one in people[0]["pictures"]] == [
        f"images/{people[0]['unique_id']}-{number}.jpg" for number in (2, 3)
    ]


def test_more_pictures_and_more_people_change_none_that_are_there(three: Path, tmp_path: Path) -> None:
    one = built(tmp_path / "one")
    four = built(tmp_path / "four", pictures=4, identities=12)
    assert (one / "images").is_dir() and "pictures" not in (one / "build.yaml").read_text()
    of_three, of_four = tree(three / "images"), tree(four / "images")
    assert all(of_three[name] == data for name, data in tree(one / "images").items())
    benchmark = [record["unique_id"] for record in lines(three)[:6]]
    shared = [name for name in of_three if name[:8] in benchmark]
    assert len(shared) == 18 and all(of_four[name] == of_three[name] for name in shared)
    assert [{**record, "pictures": 0} for record in lines(three)] == [
        {**record, "pictures": 0} for record in lines(one)
    ]
    added = changes_between(one, three)
    assert (added.level, added.sentences) == ("minor", ["Pictures added: of 8 people."])
    assert changes_between(three, one).level == "major"


def test_the_release_holds_them_wherever_it_goes(three: Path, tmp_path: Path) -> None:
    """Read by ``datasets`` and by the companion; cut anew; published and pulled."""
    import datasets

    table = datasets.load_dataset(str(three / "release"), "pictures", split="train")
    assert table.column_names == ["unique_id", "picture", "set", "image", "from"]
    assert table["picture"] == [1, 2, 3] * 8 and set(table["from"]) == {"drawn"}
    data, released = Data.open(three), Data.open(three / "release")
    assert (data.digest, data.seen, data.unseen) == (released.digest, (1, 3), (2,))
    someone = data.ids("full")[1]
    assert data.image(someone, 2).tobytes() == released.image(someone, 2).tobytes() != data.image(someone).tobytes()

    cut = split(three, tmp_path / "cut", ratios=[40])
    assert list(verify(cut.directory)) == []
    assert tree(cut.directory / "release/pictures") == tree(three / "release/pictures")

    staged = tmp_path / "hub"
    staged.mkdir()
    publication = Publication("somebody/faces", "v1.0.0", [{"version": "v1.0.0", "changes": ["First."]}])
    (staged / "manifest.json").write_bytes(json.dumps(write_stage(open_dataset(three), staged, publication)).encode())
    fetch(Folder(staged), "somebody/faces", "0" * 40, tmp_path / "pulled")  # type: ignore[arg-type]
    assert tree(tmp_path / "pulled/images") == tree(three / "images")
    assert Data.open(tmp_path / "pulled").digest == data.digest
    assert list(verify(tmp_path / "pulled")) == []


def test_an_attribute_may_be_called_pictures() -> None:
    """Its column gives way only where the other one is."""
    kinds = [{c.name: c.kind for c in identity_columns(True, ["pictures"], several)} for several in (False, True)]
    assert [kind["pictures"] for kind in kinds] == ["text", "texts"]


def pictures_of(folder: Path) -> list[Path]:
    return sorted((folder / "images").glob("*-*.jpg"))


@pytest.mark.parametrize(
    "change",
    [
        lambda d: swap(*pictures_of(d)[:2]),
        lambda d: pictures_of(d)[3].unlink(),
        lambda d: replace(pictures_of(d)[0].with_name("more-2.jpg"), pictures_of(d)[0].read_bytes()),
        lambda d: in_json(d, "manifest.json", lambda m: m["pictures"]["digests"].reverse()),
        lambda d: in_line(d, "identities.jsonl", 2, lambda r: r["pictures"].pop()),
    ],
)
def test_what_was_changed_is_not_published(three: Path, tmp_path: Path, change: Callable[[Path], object]) -> None:
    dataset = tmp_path / "dataset"
    shutil.copytree(three, dataset)
    change(dataset)
    with pytest.raises((Refused, DatasetError)):
        check_untouched(open_dataset(dataset))


def test_verify_makes_them_again(three: Path, tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    shutil.copytree(three, dataset)
    in_json(dataset, "splits.json", lambda s: s["pictures"].update(seen=[1, 2], unseen=[3]))
    in_json(dataset, "manifest.json", lambda m: m["pictures"]["made"].update(drawn=15, file=1))
    in_json(dataset, "manifest.json", lambda m: m["pictures"]["digests"][1].reverse())
    said = "\n".join(verify(dataset))
    for part in (
        "pictures.seen[1]: 3 | 2",
        "pictures.made.file: - | 1",
        "pictures.digests[1][0]: ",
        "-2.jpg: not as built",
    ):
        assert part in said, said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: swap(*pictures_of(d)[:2]), "is not the picture that was built"),
        (lambda d: pictures_of(d)[3].unlink(), "does not exist"),
        (lambda d: replace(pictures_of(d)[3], b"<html>"), "not a picture"),
        (lambda d: in_json(d, "splits.json", lambda s: s.pop("pictures")), "it should be"),
        (lambda d: in_line(d, "identities.jsonl", 2, lambda r: r.pop("pictures")), "the manifest has digests of 3"),
        (
            lambda d: in_line(
                d, "identities.jsonl", 2, lambda r: r["pictures"][0].update(image_path=lines(d)[0]["image_path"])
            ),
            "every identity has its own",
        ),
    ],
)
def test_validate_names_what_is_wrong(three: Path, tmp_path: Path, change: Callable[[Path], object], said: str) -> None:
    shutil.copytree(three, tmp_path / "dataset")
    change(tmp_path / "dataset")
    assert any(said in str(finding) for finding in validate(tmp_path / "dataset"))


def test_a_folder_gives_its_own_pictures_and_altered_copies(tmp_path: Path) -> None:
    folder = tmp_path / "faces"
    folder.mkdir()
    rows = ["file,gender,age,person"]
    for picture in (1, 2):
        for i, face in enumerate(traits(5, range(8), ["female", "male"] * 4, [40] * 8, picture)):  # type: ignore[arg-type]
            if picture == 1 or i < 3:
                (folder / f"{i}-{picture}.jpg").write_bytes(encode(draw_portrait(face, 96)))
                rows.append(f"{i}-{picture}.jpg,{face.gender},40,p{i}")
    (folder / "faces.csv").write_text("\n".join(rows))
    dataset = built(tmp_path / "dataset", pictures=3, faces=str(folder))
    assert list(verify(dataset)) == list(validate(dataset)) == []
    assert open_dataset(dataset).manifest["pictures"]["made"] == {"altered": 13, "file": 3}
    for record in lines(dataset):
        number = int(record["face"]["file"][0])
        first, second = (one["from"] for one in record["pictures"])
        assert (first == f"{number}-2.jpg") == (number < 3)
        assert second.startswith("first picture, ")
    check_untouched(open_dataset(dataset))


def test_pictures_of_nobody() -> None:
    with pytest.raises(ConfigError, match="pictures: 2 of a build without faces"):
        make_config({"faces": "none", "pictures": 2})
