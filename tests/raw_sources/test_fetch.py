"""Fetching with Kaggle's real client from a server on loopback that answers as Kaggle does."""

import hashlib
import io
import json
import os
import socket
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from raw_sources.fetch import _files, fetch
from raw_sources.registry import SOURCES
from support.errors import SourceError

PORT = 7777  # where Kaggle's client looks in its environment TEST
pytestmark = pytest.mark.xdist_group("kaggle")


class Kaggle(ThreadingHTTPServer):
    """What the server holds, and how it is told to answer."""

    daemon_threads = True
    files: dict[str, bytes]
    status: int
    zipped: bool
    asked: list[dict]


class Handler(BaseHTTPRequestHandler):
    server: Kaggle

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        asked = json.loads(self.rfile.read(length) or b"{}")
        if self.server.status != 200:
            self.answer(self.server.status, b'{"message": "no"}', "application/json")
        elif self.path.endswith("/GetDataset"):
            self.answer(200, b'{"currentVersionNumber": 3}', "application/json")
        elif self.path.endswith("/DownloadDataset"):
            self.server.asked.append(asked)
            name = asked.get("fileName", "")
            if name not in self.server.files:
                self.answer(404, b'{"message": "not found"}', "application/json")
            elif self.server.zipped:
                buffer = io.BytesIO()
                with zipfile.ZipFile(buffer, "w") as archive:
                    archive.writestr(name.split("/")[-1], self.server.files[name])
                self.answer(200, buffer.getvalue(), "application/zip")
            else:
                self.answer(200, self.server.files[name], "application/octet-stream")
        else:
            self.answer(404, b"{}", "application/json")

    def answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def kaggle() -> Iterator[Kaggle]:
    pytest.importorskip("kagglehub", reason="the extra `kaggle` is not installed")
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", PORT)) == 0:
            pytest.skip(f"port {PORT} is taken")
    server = Kaggle(("127.0.0.1", PORT), Handler)
    server.files, server.status, server.zipped, server.asked = {}, 200, False, []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def run(tmp_path: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path / "home"),
        "KAGGLE_API_ENVIRONMENT": "TEST",
        "KAGGLEHUB_CACHE": str(tmp_path / "cache"),
        "KAGGLE_USERNAME": "someone",
        "KAGGLE_KEY": "s3cr3t-key",
        **environment,
    }
    command = [sys.executable, "-m", "cli.main", "sources", "fetch", *arguments, "--out", str(tmp_path / "raw")]
    return subprocess.run(command, capture_output=True, text=True, env=env, check=False, cwd=Path(__file__).parents[2])


@pytest.mark.parametrize("zipped", [False, True])
def test_a_file_is_fetched_once_and_recorded(kaggle: Kaggle, tmp_path: Path, zipped: bool) -> None:
    content = b"Name,Age\nAnn,40\n" * 1000
    kaggle.files["healthcare_dataset.csv"] = content
    kaggle.zipped = zipped
    done = run(tmp_path, "health")
    assert done.returncode == 0, done.stderr
    sha256 = hashlib.sha256(content).hexdigest()
    assert sha256 in done.stdout
    assert (tmp_path / "raw" / "health" / "healthcare_dataset.csv").read_bytes() == content
    record = json.loads((tmp_path / "raw" / "fetched.json").read_text())
    ((key, entry),) = record.items()
    assert key == "prasad22/healthcare-dataset/versions/2/healthcare_dataset.csv"
    assert entry == {"file": "health/healthcare_dataset.csv", "sha256": sha256, "bytes": len(content)}
    asked = len(kaggle.asked)
    assert run(tmp_path, "health").returncode == 0
    assert len(kaggle.asked) == asked  # nothing was asked for again


def test_faces_come_one_by_one(kaggle: Kaggle, tmp_path: Path) -> None:
    for number in (3, 4, 44363):
        kaggle.files[f"images/images/SFHQ_pt1_{number:08d}.jpg"] = b"jpeg %d" % number
    done = run(tmp_path, "faces", "--numbers", "3-4,44363")
    assert done.returncode == 0, done.stderr
    assert sorted(p.name for p in (tmp_path / "raw" / "faces").iterdir()) == [
        "SFHQ_pt1_00000003.jpg",
        "SFHQ_pt1_00000004.jpg",
        "SFHQ_pt1_00044363.jpg",
    ]


def test_one_that_is_missing_is_told_and_the_others_stay(kaggle: Kaggle, tmp_path: Path) -> None:
    kaggle.files["images/images/SFHQ_pt1_00000003.jpg"] = b"jpeg"
    done = run(tmp_path, "faces", "--numbers", "3-4")
    assert done.returncode == 2
    assert "SFHQ_pt1_00000004.jpg" in done.stderr
    assert "Traceback" not in done.stderr
    assert [p.name for p in (tmp_path / "raw" / "faces").iterdir()] == ["SFHQ_pt1_00000003.jpg"]


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials(kaggle: Kaggle, tmp_path: Path, status: int) -> None:
    kaggle.status = status
    done = run(tmp_path, "health")
    assert done.returncode == 2
    assert "KAGGLE_USERNAME" in done.stderr
    assert "By hand" in done.stderr
    assert "s3cr3t-key" not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_a_file_that_changed_is_an_error(kaggle: Kaggle, tmp_path: Path) -> None:
    kaggle.files["healthcare_dataset.csv"] = b"one"
    assert run(tmp_path, "health").returncode == 0
    kaggle.files["healthcare_dataset.csv"] = b"two"
    (tmp_path / "raw" / "health" / "healthcare_dataset.csv").unlink()
    done = run(tmp_path, "health", KAGGLEHUB_CACHE=str(tmp_path / "another cache"))
    assert done.returncode == 2
    assert "another file than before" in done.stderr


def test_no_network(tmp_path: Path) -> None:
    pytest.importorskip("kagglehub", reason="the extra `kaggle` is not installed")
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", PORT)) == 0:
            pytest.skip(f"port {PORT} is taken")
    done = run(tmp_path, "health")
    assert done.returncode == 2
    assert "can't be reached" in done.stderr
    assert SOURCES["health"].url in done.stderr


def test_without_the_extra(tmp_path: Path) -> None:
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "kagglehub.py").write_text("raise ImportError('hidden')")
    done = run(tmp_path, "health", PYTHONPATH=str(tmp_path / "hidden"))
    assert done.returncode == 2
    assert "pip install 'fiubench[kaggle]'" in done.stderr


@pytest.mark.parametrize("numbers", ["", "x", "5-1", "1-9999999", "1,,2"])
def test_bad_numbers(tmp_path: Path, numbers: str) -> None:
    with pytest.raises(SourceError, match="no number or range"):
        list(fetch("faces", tmp_path, numbers=numbers))
    assert not list(tmp_path.rglob("*.jpg"))


def test_numbers() -> None:
    kaggle = SOURCES["faces"].kaggle
    assert kaggle is not None
    assert [name[-12:-4] for name in _files(kaggle, "7, 1-2,7")] == ["00000007", "00000001", "00000002"]


def test_what_is_made_by_us_is_not_fetched(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="nothing to fetch"):
        list(fetch("careers", tmp_path))
    with pytest.raises(SourceError, match="unknown source"):
        list(fetch("car", tmp_path))
