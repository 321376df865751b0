"""The page in a real browser, opened from disk."""

import pytest
from fiubench.builder.audit.page import write_page
from fiubench.builder.audit.registry import declared_measures

from tests.browser import MARKS, OVERFLOW, open_page, running
from tests.builder.audit.page_samples import BREAKOUT, HOSTILE, sample_cards, sample_report

pytestmark = MARKS


@pytest.fixture(scope="module")
def browser():
    with running() as browser:
        yield browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Files: of one dataset, of two side by side, and of one of which nothing is known."""
    folder = tmp_path_factory.mktemp("pages")
    write_page(sample_report(), sample_cards(60), folder / "one.html")
    other = sample_report("original/fiubench_qa.jsonl", clean=False, identities=380)
    write_page(sample_report(), sample_cards(60), folder / "two.html", other)
    bare = sample_report(identities=0)
    for measure in bare["measures"]:
        measure.update(value=None, of=None, verdict="none")
    bare |= {"attributes": [], "histograms": {}, "strata": {}, "verdict": "none"}
    write_page(bare, [], folder / "bare.html")
    return folder


@pytest.fixture
def opened(browser, pages):
    return lambda name, *args, **options: open_page(browser, pages / name, *args, **options)


def _cards(page):
    return page.locator("#cards article:visible")


def _expect(locator):
    """Waits until it holds. (`wait_for_function` would need a policy that allows eval.)"""
    from playwright.sync_api import expect

    return expect(locator)


def test_verdict_and_every_measure_are_shown(opened):
    with opened("one.html") as page:
        text = page.locator("body").inner_text()
        assert "dataset passes with warnings: 0 of" in text
        assert "[object" not in text
        assert "undefined" not in text
        assert "NaN" not in text
        assert page.locator(".measures td.figure").locator("visible=true").count() == len(declared_measures())
        assert page.title() == "Audit of dataset"
        assert page.get_by_text("better", exact=True).count() == 0


def _widths(page, series):
    """Widths of the marks in the first figure that have the colour of a series and can be seen."""
    marks = page.locator("#plots figure").first.locator(f'path[fill="var(--series-{series})"]')
    return [width for mark in marks.all() if (width := mark.bounding_box()["width"]) > 1]


def test_every_plot_is_drawn(opened):
    with opened("one.html") as page:
        assert page.locator("#plots svg.chart").count() == 6  # entropy, top values, three histograms, strata
        assert all(chart.bounding_box()["height"] > 150 for chart in page.locator("#plots svg.chart").all())
        widths = _widths(page, 0)
        assert len(widths) == 8
        assert widths == sorted(widths, reverse=True)
        names = page.locator("#plots figure").first.locator("svg text").all_text_contents()
        assert {"full name", "blood type", "8.64", "2.84", "entropy, bits"} <= set(names)


def test_values_unfold_by_address(opened):
    with opened("one.html", fragment="#values-blood_type") as page:
        assert page.locator("#values details").count() == 8
        shown = page.locator("#values details[open]")
        assert shown.locator("summary").inner_text() == "blood type"
        assert "8 different values among 400." in shown.inner_text()
        assert shown.locator("tr").first.inner_text().split() == ["O+", "19.0", "%"]
        widths = [bar.bounding_box()["width"] for bar in shown.locator("svg rect").all()]
        assert len(widths) == 8 and widths == sorted(widths, reverse=True) and widths[0] > 2 * widths[-1] > 0
        page.locator("#attributes a", has_text="occupation").click()
        assert page.locator("#values-occupation").get_attribute("open") is not None


def test_side_by_side(opened):
    with opened("two.html") as page:
        heads = page.locator("#measures thead").first.inner_text()
        assert "dataset" in heads
        assert "fiubench_qa.jsonl" in heads
        row = page.locator("#measure-doubled_words")
        assert "0 of 8,000 QA pairs" in row.inner_text()
        assert "288 of 7,600 QA pairs" in row.inner_text()
        assert row.locator("td:has-text('better')").inner_text().startswith("0 of 8,000")
        assert page.locator("#attributes tbody").first.locator("tr").count() == 2
        assert len(_widths(page, 1)) == 7 + 1  # one attribute is missing; and the legend
        sentence = page.locator("#verdict .sentence").nth(2).inner_text()
        assert "Of the 46 measures that both have, dataset is better on" in sentence


def test_a_measure_unfolds_by_keyboard_and_by_address(opened):
    with opened("two.html") as page:
        row = page.locator("#measure-misspellings")
        summary, about = row.locator("summary"), row.get_by_text("It fails above 0 QA pairs.")
        assert declared_measures()["misspellings"].help in row.inner_text()
        assert not about.is_visible()
        summary.focus()
        page.keyboard.press("Enter")
        assert about.is_visible()
        assert "What is the person'sblood type?" in row.inner_text()
        page.keyboard.press("Enter")
        assert not about.is_visible()
        page.get_by_role("button", name="Unfold all").click()
        assert about.is_visible()
    with opened("two.html", fragment="#measure-misspellings") as page:
        assert page.locator("#measure-misspellings").get_by_text("It fails above").is_visible()


def test_only_what_warns_or_fails(opened):
    with opened("one.html") as page:
        page.get_by_label("Only what warns or fails").check()
        assert page.locator(".measures summary").locator("visible=true").all_inner_texts() == ["Small faces"]


def test_attributes_sort(opened):
    with opened("one.html") as page:
        head = page.locator("#attributes thead th", has_text="Entropy")
        first = page.locator("#attributes tbody").first

        def column():
            return [float(text) for text in page.locator("#attributes tbody td:nth-child(5)").all_inner_texts()]

        before = column()
        head.get_by_role("button").click()
        assert head.get_attribute("aria-sort") == "descending"
        assert column() == sorted(before, reverse=True)
        head.get_by_role("button").click()
        assert column() == sorted(before)
        assert "blood type" in first.inner_text()
        head.get_by_role("button").click()
        assert column() == before
        assert head.get_attribute("aria-sort") is None


def test_search(opened):
    with opened("one.html") as page:
        status, field = page.get_by_role("status"), page.get_by_role("searchbox")
        for query, name in (
            ("GLASSBLOWER", "Person 050 Example"),
            ("nunez", "Zoë Núñez"),
            ("10000007", "Person 007 Example"),
            ("pilot picture 59", "Person 059 Example"),
        ):
            field.fill(query)
            _expect(_cards(page).locator("h3")).to_have_text([name])
        assert "1 of 60 identities found" in status.inner_text()
        assert page.evaluate("location.hash") == "#people?q=pilot+picture+59"
        field.fill("no such thing")
        _expect(_cards(page)).to_have_count(0)
        assert status.inner_text() == "No identity has this text"
        field.fill("")
        _expect(_cards(page)).to_have_count(24)


def test_paging(opened):
    with opened("one.html") as page:
        pager = page.get_by_role("navigation", name="Pages of identities", exact=True)
        back, on = pager.get_by_role("button", name="Previous"), pager.get_by_role("button", name="Next")
        assert back.is_disabled()
        names = []
        for number, count in ((1, 24), (2, 24), (3, 12)):
            assert f"Page {number} of 3" in pager.inner_text()
            assert _cards(page).count() == count
            names += _cards(page).locator("h3").all_text_contents()
            if number < 3:
                on.click()
        assert names == [card.name for card in sample_cards(60)]
        assert on.is_disabled()
        assert page.evaluate("location.hash") == "#people?page=3"
    with opened("one.html", fragment="#people?q=person&page=2") as page:
        assert page.get_by_role("searchbox").input_value() == "person"
        assert "25 to 48 of 60" in page.get_by_role("status").inner_text()


def test_a_person_has_an_address(opened):
    with opened("one.html", fragment="#person-10000055") as page:
        card = page.locator("#person-10000055")
        assert card.is_visible()
        assert page.evaluate("document.activeElement.id") == "person-10000055"
        page.get_by_role("searchbox").fill("glassblower")
        _expect(_cards(page)).to_have_count(1)
        page.evaluate("location.hash = '#person-10000055'")
        card.wait_for()
        assert page.get_by_role("searchbox").input_value() == ""


def test_a_card_shows_face_facts_and_questions(opened):
    with opened("one.html", fragment="#person-10000000") as page:
        card = page.locator("#person-10000000")
        assert card.get_by_role("img").get_attribute("alt") == f"Face of {HOSTILE}"
        assert page.evaluate("document.querySelector('#person-10000000 img').naturalWidth") == 96
        assert "forget10" in card.inner_text()
        assert not card.get_by_text("The person is a pilot.").is_visible()
        card.get_by_text("1 QA pairs").click()
        assert card.get_by_text("The person is a pilot.").is_visible()
        assert page.locator("#person-10000003 img").count() == 0


def test_hostile_text_stays_text(opened):
    with opened("two.html") as page:
        names = _cards(page).locator("h3").all_text_contents()
        assert names[:2] == [HOSTILE, BREAKOUT]
        page.get_by_role("searchbox").fill(HOSTILE)
        _expect(page.locator("#cards mark")).to_have_count(23)  # and the first, whose name it is
        assert page.locator("img:not(.face)").count() == 0
        assert page.evaluate("document.scripts.length") == 2


def test_the_policy_stops_a_script_that_got_in(browser, pages):
    page = browser.new_page()
    page.goto((pages / "one.html").as_uri())
    page.evaluate(
        "() => { const script = document.createElement('script'); script.textContent = 'window.hacked = 1';"
        "document.body.append(script);"
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.hacked = 2\">'); }"
    )
    page.wait_for_timeout(100)
    assert page.evaluate("window.hacked") is None
    page.close()


@pytest.mark.parametrize("name", ["one.html", "two.html", "bare.html"])
@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_no_horizontal_scroll(opened, name, width):
    with opened(name, width) as page:
        page.wait_for_load_state()
        assert page.evaluate(OVERFLOW) <= 0
        page.get_by_role("button", name="Unfold all").click()
        page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
        page.wait_for_timeout(50)
        assert page.evaluate(OVERFLOW) <= 0


def test_light_and_dark(opened):
    background = "getComputedStyle(document.body).backgroundColor"
    with opened("one.html", color_scheme="light") as page:
        light = page.evaluate(background)
    with opened("one.html", color_scheme="dark") as page:
        dark = page.evaluate(background)
        assert light != dark
        theme = page.get_by_role("button", name="Theme")
        theme.click()
        assert theme.inner_text() == "Theme: light"
        assert page.evaluate(background) == light
        theme.click()
        assert page.evaluate(background) == dark


def _contrast(page, selector):
    """WCAG contrast of an element's text to the page."""
    luminance = """color => { const c = document.createElement('canvas').getContext('2d'); c.fillStyle = color;
        c.fillRect(0, 0, 1, 1); const [r, g, b] = [...c.getImageData(0, 0, 1, 1).data].slice(0, 3).map(v => v / 255)
        .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; }"""
    a, b = page.evaluate(
        f"s => [getComputedStyle(document.querySelector(s)).color, getComputedStyle(document.body).backgroundColor]"
        f".map({luminance}).sort((a, b) => b - a)",
        selector,
    )
    return (a + 0.05) / (b + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_legible(opened, scheme):
    with opened("two.html", color_scheme=scheme) as page:
        for selector in ("body", ".lead", ".light.pass", ".light.warn", ".light.fail", "#verdict a", ".share", ".what"):
            assert _contrast(page, selector) >= 4.5, selector


def test_nothing_known_is_said_plainly(opened):
    with opened("bare.html") as page:
        text = page.locator("body").inner_text()
        assert "could not be judged" in text
        assert "not measured" in text
        assert "Plots" not in text
        assert "NaN" not in text
