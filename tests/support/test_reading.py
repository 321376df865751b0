"""Files that somebody names: devices, pipes, folders and far too large ones end in one line, at once."""

import os
import threading
from pathlib import Path

import pytest
from fiubench.cli.main import run
from fiubench.support import reading
from fiubench.support.errors import ConfigError
from fiubench.support.reading import read_small

#: Every option and argument that names a file of the user's, with the command it belongs to.
COMMANDS = [
    ["build", "--config", "FILE", "--out", "out"],
    ["build", "--attributes", "FILE", "--out", "out"],
    ["build", "--split-scheme", "FILE", "--out", "out"],
    ["build", "--qa", "FILE", "--out", "out"],
    ["build", "--health", "FILE", "--out", "out"],
    ["build", "--crimes", "FILE", "--out", "out"],
    ["build", "--addresses", "FILE", "--out", "out"],
    ["build", "--table", "FILE", "--out", "out"],
    ["--plugin", "FILE", "methods", "list"],
    ["attributes", "check", "FILE"],
    ["sources", "check", "FILE"],
    ["validate", "FILE"],
    ["audit", "FILE"],
    ["publish", "dataset", "--repo", "a/b", "--version", "v1.0.0", "--dry-run", "--metadata", "FILE"],
    ["releases", "a/b", "--token-file", "FILE"],
    ["phrasings", "review", "FILE", "--out", "out"],
    ["presets", "show", "FILE"],
    ["finetune", "dataset", "--preset", "FILE", "--out", "out"],
    ["experiment", "FILE", "--out", "out"],
]
KINDS = ["pipe", "endless", "folder", "huge", "missing", "unreadable"]


def of_kind(kind: str, path: Path) -> Path:
    """A file of a kind that no command can use."""
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "endless":
        return Path("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    elif kind == "huge":
        with path.open("wb") as file:
            file.truncate((1 << 28) + 1)
    elif kind == "unreadable":
        path.write_bytes(b"\x00\xff\xfe" * 100)
    return path


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_PATIENCE", 0.2)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command[:3]))
def test_commands_refuse_what_is_no_such_file(
    command: list[str], kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    suffix = {"--plugin": ".py", "presets": ".yaml", "finetune": ".yaml"}.get(command[0], ".x")
    file = str(of_kind(kind, tmp_path / f"named{suffix}"))
    monkeypatch.setattr("sys.argv", ["fiubench", *(file if word == "FILE" else word for word in command)])
    with pytest.raises(SystemExit) as ended:
        run()
    told = capfd.readouterr().err
    assert ended.value.code == 2, told
    assert Path(file).name in told
    assert "Traceback" not in told
    assert not Path("out").exists()


def test_a_pipe_that_is_written_in_time_is_read(tmp_path: Path) -> None:
    os.mkfifo(path := tmp_path / "pipe")
    writer = threading.Thread(target=path.write_bytes, args=(b"x" * 100_000,))
    writer.start()
    assert read_small(path, ConfigError) == b"x" * 100_000
    writer.join()


def test_a_pipe_may_hold_no_more_than_a_file(tmp_path: Path) -> None:
    os.mkfifo(path := tmp_path / "pipe")
    writer = threading.Thread(target=_write, args=(path, b"x" * 100_000))
    writer.start()
    with pytest.raises(ConfigError, match="larger than 1,000 bytes"):
        read_small(path, ConfigError, most=1000)
    writer.join()


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except BrokenPipeError:
        return
