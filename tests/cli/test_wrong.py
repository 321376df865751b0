"""`fiubench build --wrong members` and `--distance`, as their user runs them."""

import json
from pathlib import Path

import pytest
import yaml

from fiubench import open_dataset
from tests.commands import fiubench

SMALL = ["--identities", "80", "--holdout", "0", "--ratios", "25", "--faces", "none"]


def built(out: Path, *flags: str) -> Path:
    done = fiubench("build", "--out", out, *SMALL, *flags)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("members") / "dataset", "--wrong", "members", "--distance", "near")


def test_settings_stand_in_the_dataset_and_build_it_again(members: Path, tmp_path: Path) -> None:
    manifest = json.loads((members / "manifest.json").read_text())
    for config in (manifest["config"], yaml.safe_load((members / "build.yaml").read_text())):
        assert (config["wrong"], config["distance"]) == ("members", "near")
    done = fiubench("build", "--config", members / "build.yaml", "--out", tmp_path / "again")
    assert done.returncode == 0, done.stderr
    for name in ("identities.jsonl", "manifest.json"):
        assert (tmp_path / "again" / name).read_bytes() == (members / name).read_bytes()
    assert fiubench("verify", members).returncode == 0


def test_new_splits_are_refused(members: Path, tmp_path: Path) -> None:
    done = fiubench("split", members, "--out", tmp_path / "cut", "--ratios", "10")
    assert done.returncode in (1, 2)
    assert "wrong answers were taken from people of the same split" in done.stderr
    assert "fiubench build --wrong members" in done.stderr
    assert not (tmp_path / "cut").exists()


def test_distance_moves_what_has_an_order_alone(members: Path, tmp_path: Path) -> None:
    def wrong(folder: Path) -> dict[tuple[int, str], list[object]]:
        pairs = ((i, qa) for i, record in enumerate(open_dataset(folder)) for qa in record["qa_list"])
        return {(i, qa["attribute"]): [qa["value"]["value"], *qa["perturbed_value"]] for i, qa in pairs}

    near, far = (wrong(built(tmp_path / distance, "--distance", distance)) for distance in ("near", "far"))
    moved = {name for (i, name), values in near.items() if values != far[i, name]}
    assert moved == {
        "admission_date", "annual_income", "billing_amount", "date_of_birth", "discharge_date", "offense_date",
        "room_number",
    }  # fmt: skip

    def apart(of: dict[tuple[int, str], list[object]]) -> float:
        rooms = [values for (_, name), values in of.items() if name == "room_number"]
        return sum(abs(int(str(w)) - int(str(t))) for t, *others in rooms for w in others)

    assert 3 * apart(near) < apart(far)


def test_unknown_words_are_told(tmp_path: Path) -> None:
    for flag, word in (("--distance", "close"), ("--wrong", "friends")):
        done = fiubench("build", "--out", tmp_path / "out", *SMALL, flag, word)
        assert done.returncode == 2
        assert word in done.stderr
        assert not (tmp_path / "out").exists()
