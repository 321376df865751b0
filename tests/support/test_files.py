import errno
import os
import resource
from contextlib import contextmanager
from pathlib import Path

import pytest
from fiubench.support.errors import DatasetError
from fiubench.support.files import atomic_writer, copy, link_or_copy, make_folder, write_atomic, write_error

as_root = os.geteuid() == 0
FULL = Path("/dev/full")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_writes_the_whole_file(tmp_path):
    path = tmp_path / "file.json"
    write_atomic(path, b"hello")
    assert path.read_bytes() == b"hello"
    write_atomic(path, b"bye")
    assert path.read_bytes() == b"bye"
    assert names(tmp_path) == ["file.json"]


def test_nothing_stands_under_the_final_name_before_the_end(tmp_path):
    path = tmp_path / "file.json"
    with atomic_writer(path) as file:
        file.write(b"half")
        file.flush()
        assert not path.exists()
        (partial,) = names(tmp_path)
        assert partial.endswith(".partial") and partial.startswith(".file.json.")
        file.write(b"whole")
    assert path.read_bytes() == b"halfwhole"


def test_an_exception_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "file.json"
    path.write_bytes(b"old")
    with pytest.raises(KeyError), atomic_writer(path) as file:
        file.write(b"new")
        raise KeyError("no")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file.json"]


@contextmanager
def largest_file(size):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_file_that_outgrows_the_disk(tmp_path):
    path = tmp_path / "file.json"
    with largest_file(1000), pytest.raises(DatasetError, match="cannot write: File too large") as told:
        write_atomic(path, b"x" * 5000)
    assert told.value.where == str(path)
    assert "--resume" in told.value.hint
    assert names(tmp_path) == []


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
def test_a_full_disk(tmp_path, monkeypatch):
    def full(descriptor):
        with FULL.open("wb", buffering=0) as file:
            file.write(b"x")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DatasetError, match="cannot write: No space left on device"):
        write_atomic(tmp_path / "file.json", b"x")
    assert names(tmp_path) == []


def test_folders_that_are_none(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "nowhere" / "x", tmp_path / "file" / "x", tmp_path / ("x" * 300)):
        with pytest.raises(DatasetError, match="cannot write: ") as told:
            write_atomic(path, b"x")
        assert told.value.where == str(path)
    assert names(tmp_path) == ["file"]


def test_a_folder_in_the_place_of_the_file(tmp_path):
    (tmp_path / "x").mkdir()
    with pytest.raises(DatasetError, match="Is a directory"):
        write_atomic(tmp_path / "x", b"x")
    assert names(tmp_path) == ["x"]


@pytest.mark.skipif(as_root, reason="root may write everywhere")
@pytest.mark.parametrize("mode", [0o500, 0o400])
def test_an_unwritable_folder(tmp_path, mode):
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(mode)
    try:
        with pytest.raises(DatasetError, match="Permission denied"):
            write_atomic(folder / "x", b"x")
        with pytest.raises(DatasetError, match="Permission denied"):
            make_folder(folder / "y")
    finally:
        folder.chmod(0o700)


def test_making_folders(tmp_path):
    path = tmp_path / "a" / "b"
    assert make_folder(path) == path and path.is_dir()
    assert make_folder(path) == path
    (tmp_path / "file").write_bytes(b"")
    for bad in (tmp_path / "file", tmp_path / "file" / "x"):
        with pytest.raises(DatasetError, match="cannot write") as told:
            make_folder(bad)
        assert told.value.where == str(bad)


def test_a_second_name(tmp_path):
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_bytes(b"picture")
    link_or_copy(source, target)
    assert source.samefile(target)
    other = tmp_path / "c"
    other.write_bytes(b"older")
    link_or_copy(source, other)
    assert other.read_bytes() == b"older"


def test_a_copy_where_links_are_refused(tmp_path, monkeypatch):
    def refuse(source, target):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_bytes(b"picture" * 1_000_000)
    link_or_copy(source, target)
    assert target.read_bytes() == source.read_bytes() and not source.samefile(target)
    with largest_file(1000), pytest.raises(DatasetError):
        link_or_copy(source, tmp_path / "c")
    assert names(tmp_path) == ["a", "b"]


@pytest.mark.parametrize("refused", [None, "at once", "half way"])
def test_a_copy_shares_nothing(tmp_path, monkeypatch, refused):
    def copy_file_range(source, target, count):
        if refused == "at once" or os.lseek(target, 0, os.SEEK_CUR):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return whole(source, target, 1000)

    whole = os.copy_file_range
    if refused:
        monkeypatch.setattr(os, "copy_file_range", copy_file_range)
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_bytes(os.urandom(3_000_000))
    copy(source, target)
    assert target.read_bytes() == source.read_bytes() and not source.samefile(target)
    target.write_bytes(b"edited")
    copy(source, target)
    assert target.read_bytes() == b"edited" and source.stat().st_size == 3_000_000


def test_an_error_without_words(tmp_path):
    assert str(write_error(OSError("odd"), tmp_path)).startswith(f"{tmp_path}: cannot write: odd\n")
