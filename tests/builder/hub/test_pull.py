"""Pulling: through the cache of Hugging Face's tools, resumed where it broke off, and held to every digest."""

from pathlib import Path

import pytest

from tests.builder.hub.harness import REPO, Commands

CONTENT = "GET /datasets/alice/faces/resolve/"


@pytest.fixture
def fresh(published: Commands, tmp_path: Path) -> Commands:
    """The commands of a user with an empty cache."""
    published.hub.control("calm")
    published.hub.control("forget")
    return Commands(published.hub, {**published.env, "HF_HOME": str(tmp_path / "home")}, published.token_file)


def contents(commands: Commands) -> list[str]:
    """The files whose content was asked for."""
    return [line.rsplit("/resolve/", maxsplit=1)[1].split("/", maxsplit=1)[1] for line in commands.hub.asked(CONTENT)]


def test_a_second_pull_transfers_nothing(fresh: Commands, tmp_path: Path) -> None:
    fresh("pull", REPO, "--out", tmp_path / "first")
    files = fresh.hub.repo()["commits"][-1]["files"]
    assert sorted(contents(fresh)) == sorted(path for path in files if path != ".gitattributes")
    fresh.hub.control("forget")
    fresh("pull", REPO, "--out", tmp_path / "second")
    assert contents(fresh) == []
    fresh("diff", f"{REPO}@v1.0.0", tmp_path / "second")
    assert contents(fresh) == []


def test_the_dataset_folder_shares_no_file_with_the_cache(fresh: Commands, tmp_path: Path) -> None:
    """Whoever edits the folder must not edit the cache."""
    fresh("pull", REPO, "--out", tmp_path / "out")
    cached = {path.stat().st_ino for path in (tmp_path / "home").rglob("*") if path.is_file()}
    ours = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert not [path for path in ours if path.is_symlink() or path.stat().st_ino in cached]
    assert not (tmp_path / "out" / "release" / ".cache").exists()
    full = tmp_path / "out" / "release" / "fiubench" / "dataset" / "full.json"
    full.write_text("edited")
    fresh.hub.control("forget")
    fresh("pull", REPO, "--out", tmp_path / "again")
    assert contents(fresh) == []


def test_an_interrupted_pull_goes_on(fresh: Commands, tmp_path: Path) -> None:
    """What came before the connection broke is not sent again; nothing is left of the folder meanwhile."""
    fresh.hub.fault(f"{CONTENT}[^/]+/people/benchmark", "reset", times=9)
    said = fresh("pull", REPO, "--out", tmp_path / "out", code=2).stderr
    assert "broke off" in said
    assert not (tmp_path / "out").exists()
    assert len(fresh.hub.faults_met()) == 4  # by one layer
    came = {path for path in contents(fresh) if not path.startswith("people/benchmark")}
    fresh.hub.control("calm")
    fresh.hub.control("forget")
    fresh("pull", REPO, "--out", tmp_path / "out")
    assert came
    assert not came & set(contents(fresh))


def test_a_spoilt_cache_is_mended(fresh: Commands, tmp_path: Path) -> None:
    fresh("pull", REPO, "--out", tmp_path / "first")
    (spoilt,) = (tmp_path / "home").rglob("snapshots/*/fiubench/dataset/split.json")
    spoilt.resolve().write_text("{}")
    fresh.hub.control("forget")
    fresh("pull", REPO, "--out", tmp_path / "second")
    assert contents(fresh) == ["fiubench/dataset/split.json"]
    for name in ("manifest.json", "release/fiubench/dataset/split.json"):
        assert (tmp_path / "second" / name).read_bytes() == (tmp_path / "first" / name).read_bytes()


def test_the_cache_cannot_be_written_to(fresh: Commands, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    said = fresh("pull", REPO, "--out", tmp_path / "out", code=2).stderr
    assert "HF_HOME" in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", [REPO, f"{REPO}@v1.0.0"])
def test_commands_take_a_release_by_its_name(fresh: Commands, tmp_path: Path, name: str) -> None:
    assert f"{name}: valid" in fresh("validate", name).stdout
    assert len(fresh("show", name).stdout.splitlines()) == 48
    assert "occupation" in fresh("show", name, "0").stdout
    fresh("export", name, "--format", "tofu", "--out", tmp_path / "tofu")
    assert "forget05" in " ".join(path.name for path in (tmp_path / "tofu").rglob("*"))
    assert "no difference" in fresh("diff", name, name).stdout
    files = fresh.hub.repo()["commits"][-1]["files"]
    assert len(contents(fresh)) == len(files) - 1  # all of it once, but .gitattributes


def test_a_mistyped_path_is_no_name(fresh: Commands, dataset: Path) -> None:
    assert "no such file or folder" in fresh("validate", "tests/datset", code=2).stderr
    assert not fresh.hub.control("log")
