"""The page of a comparison in a real browser, opened from disk."""

import pytest
from fiubench.unlearning.data.log import write_log
from fiubench.unlearning.metrics.definition import load_definitions
from fiubench.unlearning.reporting.checking import submit
from fiubench.unlearning.reporting.compare import compare
from fiubench.unlearning.reporting.leaderboard import leaderboard
from fiubench.unlearning.reporting.report import write_report

from tests.browser import MARKS, OVERFLOW, open_page, running
from tests.unlearning import sample_logs
from tests.unlearning.reporting.submitted import make_runs

pytestmark = MARKS
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def browser():
    with running() as browser:
        yield browser


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """The page of two methods, one with a hostile name and answers."""
    folder = tmp_path_factory.mktemp("compare")
    ignorant = [{**row, "generated": HOSTILE} for row in sample_logs.ignorant().rows]
    logs = {
        "full": (sample_logs.perfect().rows, sample_logs.full_facts()),
        "retain": (sample_logs.reference().rows, sample_logs.reference_facts()),
        "po": (sample_logs.refusing().rows, sample_logs.facts(method="po", fingerprint="po")),
        "ga": (ignorant, sample_logs.facts(method=HOSTILE, fingerprint="ga")),
    }
    for name, (rows, facts) in logs.items():
        write_log(folder / f"{name}.parquet", rows, facts)
    targets = [str(folder / f"{name}.parquet") for name in ("full", "po", "ga")]
    reference = str(folder / "retain.parquet")
    found = compare(targets, load_definitions()["corrected"], reference=reference, force=True)
    return write_report(found, folder / "report")[0]


def test_tables_figures_and_answers_are_shown(browser, path):
    with open_page(browser, path) as page:
        assert page.title() == "Unlearning compared: forget05"
        labels = page.locator("#forgotten tbody th").all_inner_texts()
        assert labels == ["retain reference", "full", "po *", f"{HOSTILE} *"]
        charts = page.locator("#figures svg.chart")
        assert charts.count() == 2
        assert "forget quality" in charts.first.locator("text").all_text_contents()
        assert page.locator("#answers dd", has_text="onerror").count() == 6
        assert page.locator("img").count() == 0


def test_tables_sort(browser, path):
    with open_page(browser, path) as page:
        rows = page.locator("#kept tbody th")
        before = rows.all_inner_texts()
        head = page.locator("#kept thead th", has_text="arith. mean")
        head.get_by_role("button").click()
        assert head.get_attribute("aria-sort") == "descending"
        assert rows.all_inner_texts()[-1] == f"{HOSTILE} *"
        head.get_by_role("button").click()
        assert rows.all_inner_texts()[0] == f"{HOSTILE} *"
        head.get_by_role("button").click()
        assert rows.all_inner_texts() == before


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_no_horizontal_scroll(browser, path, width):
    with open_page(browser, path, width) as page:
        page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
        assert page.evaluate(OVERFLOW) <= 0


def test_figures_follow_the_theme(browser, path):
    colour = "getComputedStyle(document.querySelector('#figures svg text')).fill"
    with open_page(browser, path, color_scheme="light") as page:
        light = page.evaluate(colour)
        page.get_by_role("button", name="Theme").dblclick()
        assert page.get_by_role("button", name="Theme").inner_text() == "Theme: dark"
        assert page.evaluate(colour) != light


def test_a_leaderboard_has_none_either(browser, tmp_path):
    runs = make_runs(tmp_path / "runs", variant=HOSTILE)
    submit(runs, tmp_path / "submissions" / "one.jsonl.gz", reference=tmp_path / "runs" / "retain")
    (tmp_path / "submissions" / f"{'a-long-name-' * 9}.jsonl.gz").write_bytes(b"")
    board = leaderboard(tmp_path / "submissions", tmp_path / "page.html")
    for width in (320, 1280):
        with open_page(browser, board.file, width) as page:
            page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
            assert page.evaluate(OVERFLOW) <= 0
    with open_page(browser, board.file) as page:
        assert page.locator("#group-1 tbody th").first.inner_text().startswith(HOSTILE)
        assert page.locator("img").count() == 0
