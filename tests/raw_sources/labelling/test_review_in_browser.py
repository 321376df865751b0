"""Thirty faces corrected by keyboard in a real browser; the file and the next build follow."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fiubench.raw_sources.labelling.review import Review, ReviewServer
from fiubench.raw_sources.reading.labels import Label, read_labels, write_labels
from PIL import Image

import fiubench
from tests.browser import MARKS, running

Maker = Callable[[int, int], Image.Image]
pytestmark = MARKS
COUNT = 70  # more than a page of the review shows


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with running() as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path, picture: Maker) -> Path:
    """Seventy pictures, all labelled as women of 24, of whom an estimator is less sure from one to the next."""
    folder = tmp_path / "faces"
    folder.mkdir()
    rows = []
    for number in range(COUNT):
        picture(number, 100).save(folder / f"{number:02d}.png")
        sure = 0.99 - 0.004 * (COUNT - number)
        rows.append(Label(f"{number:02d}.png", "female", 24, 0.001, sure, 1, estimator="an estimator 1.0"))
    write_labels(folder / "faces.csv", rows)
    return folder


@pytest.fixture
def page(browser: Any, folder: Path) -> Iterator[Any]:
    complaints: list[str] = []
    with ReviewServer(Review(folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        opened = context.new_page()
        opened.on("console", lambda message: complaints.append(message.text))
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.goto(server.url)
        opened.wait_for_selector("#grid li:focus")
        yield opened
        context.close()
        server.shutdown()
        thread.join()
    assert complaints == []


def labels(folder: Path) -> list[Label]:
    return [label for _, label in read_labels(folder / "faces.csv") or ()]


def test_thirty_corrections_by_keyboard(page: Any, folder: Path) -> None:
    for number in range(30):
        for key in ("m", "3", "x", "k")[number % 4]:
            page.keyboard.press(key)
        page.keyboard.press("ArrowRight")
    page.keyboard.press("x")
    page.keyboard.press("u")  # the last one after all
    page.get_by_role("button", name="Done").click()
    page.get_by_text("Saved. You can close this page.").wait_for()
    found = labels(folder)
    assert [label.decision for label in found[:30]] == ["keep", "keep", "exclude", "keep"] * 7 + ["keep", "keep"]
    assert [label.decision for label in found[30:]] == [""] * (COUNT - 30)
    assert {label.gender for label in found[0:30:4]} == {"male"}
    assert {(label.gender, label.age) for label in found[1:30:4]} == {("female", 45)}
    config = {"faces": str(folder), "identities": 63, "holdout": 0, "ratios": [10]}
    built = fiubench.build(config, folder.parent / "built").dataset
    faces = {record["face"]["file"]: (record["gender"], record["face"]["age"]) for record in built}
    assert faces == {label.file: (label.gender, label.age) for label in found if label.decision != "exclude"}


def test_moving_and_pages(page: Any, folder: Path) -> None:
    def focused() -> str:
        return str(page.evaluate("document.activeElement.title"))

    assert page.locator("#grid li").count() == 60
    assert focused() == "00.png"
    page.keyboard.press("ArrowDown")
    columns = int(focused()[:2])
    assert columns > 3
    page.keyboard.press("ArrowUp")
    assert focused() == "00.png"
    page.keyboard.press("n")
    assert focused() == "60.png"
    page.keyboard.press("m")
    page.get_by_text("kept by hand").wait_for()
    page.keyboard.press("p")
    page.keyboard.press("u")  # leads back to the page of the one that is taken back
    page.locator("#grid li[title='60.png']:focus").wait_for()
    assert labels(folder)[60].gender == "female"
    assert "0 decided, 70 used" in page.locator("#progress").inner_text()


@pytest.mark.parametrize("width", [320, 1280])
def test_it_fits_the_window(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
