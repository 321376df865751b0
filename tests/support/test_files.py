import errno
import os
import resource
import shutil
import stat
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
from fiubench.support.errors import DatasetError
from fiubench.support.files import (
    atomic_writer,
    claimed,
    copy,
    held,
    link_or_copy,
    make_folder,
    new_folder,
    scratch_folder,
    take_lock,
    write_atomic,
    write_error,
)

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


def fill(path, data):
    """Write in a thread: a pipe waits for its reader."""
    thread = threading.Thread(target=write_atomic, args=(path, data), daemon=True)
    thread.start()
    return thread


def test_a_pipe_is_written_to(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for name in ("pipe", "link"):
        if name == "link":
            (tmp_path / name).symlink_to(pipe)
        writing = fill(tmp_path / name, b"through")
        assert pipe.read_bytes() == b"through"
        writing.join(10)
    assert stat.S_ISFIFO(pipe.stat().st_mode) and (tmp_path / "link").is_symlink()
    assert names(tmp_path) == ["link", "pipe"]


def test_a_pipe_that_nobody_reads_any_more(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(BrokenPipeError), atomic_writer(tmp_path / "pipe") as file:
        os.close(reader)
        file.write(b"x")
        file.flush()


@pytest.mark.parametrize(("minor", "told"), [(3, None), (7, "No space left on device")])  # null and full
def test_a_device_is_written_to(tmp_path, minor, told):
    device = tmp_path / "device"
    try:
        os.mknod(device, 0o600 | stat.S_IFCHR, os.makedev(1, minor))
        device.open("wb").close()
    except PermissionError:
        pytest.skip("no device may be made or opened here")
    with pytest.raises(DatasetError, match=told) if told else nullcontext():
        write_atomic(device, b"x")
    assert stat.S_ISCHR(device.stat().st_mode) and names(tmp_path) == ["device"]


def test_what_is_open_already_is_written_to(tmp_path):
    with (tmp_path / "out").open("w") as file:
        file.write("before, ")
        file.flush()
        write_atomic(Path(f"/proc/self/fd/{file.fileno()}"), b"and after")
    assert (tmp_path / "out").read_text() == "before, and after"


def test_links_are_followed(tmp_path):
    (tmp_path / "there").mkdir()
    link, target = tmp_path / "link", tmp_path / "there" / "file"
    link.symlink_to("there/file")
    (tmp_path / "other").symlink_to(link)
    for path, data in ((link, b"new"), (tmp_path / "other", b"newer")):
        write_atomic(path, data)
        assert target.read_bytes() == data and path.is_symlink()
    with new_folder(tmp_path / "folder") as folder:
        (folder / "x").write_bytes(b"")
    (tmp_path / "to-be").symlink_to("made")
    with new_folder(tmp_path / "to-be") as folder:
        (folder / "y").write_bytes(b"")
    assert (tmp_path / "to-be").is_symlink() and names(tmp_path / "made") == ["y"]
    assert names(tmp_path) == ["folder", "link", "made", "other", "there", "to-be"]


def test_what_a_killed_process_left_is_written_over(tmp_path):
    (tmp_path / ".x.partial").write_bytes(b"much more than is written now")
    write_atomic(tmp_path / "x", b"less")
    assert (tmp_path / "x").read_bytes() == b"less"
    (tmp_path / ".folder.partial" / "folder").mkdir(parents=True)
    (tmp_path / ".folder.partial" / "folder" / "old").write_bytes(b"")
    with new_folder(tmp_path / "folder") as folder:
        (folder / "new").write_bytes(b"")
    assert names(tmp_path / "folder") == ["new"] and names(tmp_path) == ["folder", "x"]


def test_a_link_in_the_place_of_the_temporary_file_is_not_followed(tmp_path):
    (tmp_path / "precious").write_bytes(b"precious")
    (tmp_path / ".x.partial").symlink_to("precious")
    with pytest.raises(DatasetError, match="cannot write"):
        write_atomic(tmp_path / "x", b"x")
    assert (tmp_path / "precious").read_bytes() == b"precious"


def test_two_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr("fiubench.support.files._GRACE", 0.1)
    with atomic_writer(tmp_path / "x") as file:
        file.write(b"first")
        with pytest.raises(DatasetError, match="another process is writing this file"):
            write_atomic(tmp_path / "x", b"second")
    with new_folder(tmp_path / "folder") as folder:
        (folder / "first").write_bytes(b"")
        refused = pytest.raises(DatasetError, match="another process is filling this folder")
        with refused, new_folder(tmp_path / "folder"):
            pass
    assert (tmp_path / "x").read_bytes() == b"first"
    assert names(tmp_path) == ["folder", "x"] and names(tmp_path / "folder") == ["first"]


def test_who_waits_for_a_file_that_goes_from_hand_to_hand_gets_it(tmp_path, monkeypatch):
    monkeypatch.setattr("fiubench.support.files._GRACE", 0.2)
    busy, later = tmp_path / ".x.partial", tmp_path / "later"

    def others():  # each takes over from the one before it, at once: the name is never free until the last has ended
        holder = busy.open("wb")
        assert take_lock(holder)
        begun.set()
        for _ in range(8):
            time.sleep(0.1)
            following = later.open("wb")
            assert take_lock(following)
            later.replace(busy)
            holder.close()
            holder = following
        busy.unlink()
        holder.close()

    begun = threading.Event()
    thread = threading.Thread(target=others)
    thread.start()
    begun.wait()
    write_atomic(tmp_path / "x", b"mine")
    thread.join()
    assert names(tmp_path) == ["x"] and (tmp_path / "x").read_bytes() == b"mine"


def test_many_writers_of_one_file_take_turns(tmp_path):
    code = """
import sys
from pathlib import Path
from fiubench.support.files import write_atomic
for _ in range(100):
    write_atomic(Path(sys.argv[1]), sys.argv[2].encode() * 100_000)
"""
    command = [sys.executable, "-c", code, str(tmp_path / "x")]
    writers = [subprocess.Popen([*command, word]) for word in "abc"]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        if (tmp_path / "x").exists():
            data = (tmp_path / "x").read_bytes()
            assert len(data) == 100_000 and len(set(data)) == 1
            seen.add(data[:1])
    assert [writer.returncode for writer in writers] == [0, 0, 0] and seen
    assert names(tmp_path) == ["x"]


def test_a_folder_is_claimed_by_one_and_given_back(tmp_path, monkeypatch):
    monkeypatch.setattr("fiubench.support.files._GRACE", 0.1)
    with claimed(tmp_path / "a", "training"):
        refused = pytest.raises(DatasetError, match="another training is running in this folder")
        with refused, claimed(tmp_path / "a", "training"):
            pass
        with refused, claimed(tmp_path / "a", "training"):  # the refused one took nothing away
            pass
    assert names(tmp_path) == []  # nothing was written to it
    (tmp_path / "mine").mkdir()
    with claimed(tmp_path / "mine", "training"):
        pass
    with claimed(tmp_path / "b", "training"):
        (tmp_path / "b" / "file").write_bytes(b"")
    assert names(tmp_path) == ["b", "mine"] and names(tmp_path / "b") == ["file"]


@pytest.mark.skipif(as_root, reason="the superuser may write everywhere")
def test_a_folder_that_nobody_can_write_to_is_claimed_by_all(tmp_path):
    tmp_path.chmod(0o555)
    with claimed(tmp_path, "training"), claimed(tmp_path, "training"):
        assert names(tmp_path) == []


def test_a_claim_ends_with_its_process(tmp_path):
    code = f"""
import os, signal
from pathlib import Path
from fiubench.support.files import claimed
with claimed(Path({str(tmp_path)!r}), "training"):
    os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", code], check=False)
    assert names(tmp_path) == [".lock"]
    with claimed(tmp_path, "training"):
        pass
    assert names(tmp_path) == []


def test_a_lock_that_was_removed_is_no_lock(tmp_path):
    """Who waited for a lock file that its holder removed has nothing; it is made anew."""
    refusal = DatasetError("held")
    with held(tmp_path / "a" / "lock", refusal):
        shutil.rmtree(tmp_path / "a")
        refused = pytest.raises(DatasetError, match="held")
        with held(tmp_path / "a" / "lock", refusal), refused, held(tmp_path / "a" / "lock", refusal):
            pass


def test_scratch_folders_of_killed_processes_go(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    code = """
import os, signal
from fiubench.support.files import scratch_folder
with scratch_folder() as folder:
    (folder / "file").write_bytes(b"x")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "TMPDIR": str(tmp_path)}, check=False)
    (dead,) = tmp_path.iterdir()
    with scratch_folder() as living:
        assert not dead.exists()
        with scratch_folder() as another:
            assert living.exists() and another != living
    assert names(tmp_path) == []
