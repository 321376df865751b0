"""What a reviewer's keys do to faces.csv, and who may ask the page's server."""

import json
import threading
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from fiubench.raw_sources.labelling.review import Review, ReviewServer, decided, doubt
from fiubench.raw_sources.reading.labels import Label, read_labels, write_labels
from fiubench.support.errors import DatasetError, SourceError
from PIL import Image

Maker = Callable[[int, int], Image.Image]
ESTIMATED = Label("a.png", "female", 24, 0.01, 0.99, 1, estimator="an estimator 1.0")


@pytest.fixture
def folder(tmp_path: Path, picture: Maker) -> Path:
    """Four pictures: of a woman, of somebody who may be a man, of a likely child, and without a face."""
    for number in range(4):
        picture(number, 100).save(tmp_path / f"{number}.png")
    values: list[dict[str, Any]] = [
        {"gender": "female", "age": 60, "under_20": 0.0, "gender_confidence": 1.0, "faces": 1},
        {"gender": "male", "age": 40, "under_20": 0.0, "gender_confidence": 0.6, "faces": 1},
        {"gender": "male", "age": 22, "under_20": 0.4, "gender_confidence": 1.0, "faces": 1},
        {"faces": 0},
    ]
    rows = [Label(f"{i}.png", estimator="an estimator 1.0", **given) for i, given in enumerate(values)]
    write_labels(tmp_path / "faces.csv", rows)
    return tmp_path


def written(folder: Path) -> list[Label]:
    return [label for _, label in read_labels(folder / "faces.csv") or ()]


def test_the_most_doubtful_come_first(folder: Path) -> None:
    review = Review(folder)
    assert [row["file"] for row in review.rows()] == ["1.png", "3.png", "2.png", "0.png"]
    assert [row["left_out"] for row in review.rows()] == [
        None, "no face found", "may be under 20, by the estimator", None,
    ]  # fmt: skip
    review.decide(3, {"decision": "exclude"})
    assert review.rows()[-1]["file"] == "3.png"
    assert doubt(written(folder)[3]) < 0


@pytest.mark.parametrize(
    ("wanted", "gender", "age", "decision"),
    [
        ({"gender": "male"}, "male", 24, "keep"),
        ({"band": 0}, "female", 24, "keep"),
        ({"band": 1}, "female", 30, "keep"),
        ({"band": 4}, "female", 75, "keep"),
        ({"decision": "keep"}, "female", 24, "keep"),
        ({"decision": "exclude"}, "female", 24, "exclude"),
    ],
)
def test_decisions(wanted: dict[str, Any], gender: str, age: int, decision: str) -> None:
    label = decided(ESTIMATED, wanted)
    assert (label.gender, label.age, label.decision) == (gender, age, decision)
    assert label.refusal(0.0) == (None if decision == "keep" else "excluded by hand")


def test_a_gender_alone_lets_nobody_in() -> None:
    young = Label("a.png", "male", 21, 0.7, 0.9, 1, estimator="an estimator 1.0")
    out = Label("a.png", "male", 40, decision="exclude")
    for label in (young, out):
        assert decided(label, {"gender": "female"}).gender == "female"
        assert decided(label, {"gender": "female"}).refusal(0.02) == label.refusal(0.02)


def test_what_cannot_be_written_is_not_remembered(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, review = written(folder), Review(folder)

    def fail(*_: object) -> None:
        raise DatasetError("cannot write: No space left on device")

    monkeypatch.setattr("fiubench.raw_sources.labelling.review.write_labels", fail)
    with pytest.raises(DatasetError):
        review.decide(0, {"gender": "male"})
    assert review.labels == before
    assert review.undo() is None


@pytest.mark.parametrize(
    "wanted", [{"band": 5}, {"band": -1}, {"gender": "x"}, {"decision": ""}, {"file": "../x"}, {"sha256": "0"}]
)
def test_nothing_else_can_be_set(wanted: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="can't be set"):
        decided(ESTIMATED, wanted)


def test_undo_goes_back_to_the_first_state(folder: Path) -> None:
    before, review = written(folder), Review(folder)
    review.decide(2, {"band": 0})
    review.decide(2, {"gender": "female"})
    assert (written(folder)[2].gender, written(folder)[2].decision) == ("female", "keep")
    review.undo()
    review.undo()
    assert written(folder) == before
    assert review.undo() is None


def test_a_folder_without_labels(tmp_path: Path, picture: Maker) -> None:
    picture(1, 100).save(tmp_path / "a.png")
    with pytest.raises(SourceError, match="faces annotate"):
        Review(tmp_path)


@pytest.fixture
def server(folder: Path) -> Iterator[ReviewServer]:
    with ReviewServer(Review(folder)) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


def ask(
    server: ReviewServer, path: str, body: Any = None, *, host: str | None = None, kind: str = "application/json"
) -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
    headers = {"Host": host or f"127.0.0.1:{server.server_address[1]}"}
    if body is None:
        connection.request("GET", path, headers=headers)
    else:
        connection.request("POST", path, json.dumps(body), {**headers, "Content-Type": kind})
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_the_server_answers_this_machine_alone(server: ReviewServer, folder: Path) -> None:
    before = (folder / "faces.csv").read_bytes()
    assert ask(server, "/faces.json")[0] == 200
    assert ask(server, "/face/0.jpg")[1].startswith(b"\xff\xd8")
    assert ask(server, "/faces.json", host="evil.example:80")[0] == 403
    assert ask(server, "/decide", {"number": 0, "gender": "male"}, host="evil.example")[0] == 403
    assert ask(server, "/decide", {"number": 0, "gender": "male"}, kind="text/plain")[0] == 403
    for path in ("/face/4.jpg", "/face/-1.jpg", "/face/..%2f0.jpg", "/../faces.csv", "/faces.csv", "/face/0.png.jpg"):
        assert ask(server, path)[0] == 404, path
    for body in ({}, {"number": 9, "band": 1}, {"number": "0"}, [1], {"number": 0, "band": "x"}, "x"):
        assert ask(server, "/decide", body)[0] == 400, body
    assert ask(server, "/nowhere", {})[0] == 400
    assert (folder / "faces.csv").read_bytes() == before
    status, body = ask(server, "/decide", {"number": 0, "gender": "male"})
    assert (status, json.loads(body)["gender"]) == (200, "male")
    assert written(folder)[0].gender == "male"


def test_a_taken_port(server: ReviewServer, folder: Path) -> None:
    with pytest.raises(SourceError, match="--port"):
        ReviewServer(Review(folder), server.server_address[1])
