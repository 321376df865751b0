"""The page as a file. How it behaves in a browser is in test_page_in_browser.py."""

import base64
import hashlib
import io
import json
import re
from html import unescape
from html.parser import HTMLParser

import pytest
from fiubench.builder.audit.page import amount, better_measure, better_of, comparable, percent, thumbnail, write_page
from fiubench.builder.audit.registry import declared_measures
from fiubench.support.errors import DatasetError
from PIL import Image

from fiubench import schemas
from tests.builder.audit.page_samples import BREAKOUT, HOSTILE, sample_cards, sample_report


class _Elements(HTMLParser):
    """Elements with their attributes, and what stands in scripts and styles."""

    def __init__(self, text):
        super().__init__()
        self.found, self.inside = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        self.inside.append("")

    def handle_data(self, data):
        if self.inside:
            self.inside[-1] += data

    def handle_decl(self, decl):
        assert decl == "doctype html"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    out = tmp_path_factory.mktemp("page") / "report.html"
    write_page(sample_report(), sample_cards(30), out, sample_report("original/qa.jsonl", clean=False))
    return out.read_text(encoding="utf-8")


def _data(text):
    return re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)[1]


def test_samples_have_the_shape_of_a_report():
    for clean in (True, False):
        assert not list(schemas.violations("audit", sample_report(clean=clean)))


def test_data_comes_back_as_it_was(written):
    data = json.loads(_data(written))
    assert data["report"] == json.loads(json.dumps(sample_report()))
    assert data["against"]["target"]["name"] == "original/qa.jsonl"
    people = written[written.index('<div class="people"') :]
    names = [unescape(name) for name in re.findall(r"<h3[^>]*>(.*?)</h3>", people)]
    assert names == [card.name for card in sample_cards(30)]
    assert names[:3] == [HOSTILE, BREAKOUT, "Zoë Núñez"]
    assert "It warns above 10 years and fails above 14 years." in written


def test_a_better_share_is_better_whatever_the_size():
    assert [better_of(pair, "lower") for pair in ((1, 2), (2, 1), (2, 2))] == [0, 1, -1]
    assert better_of((1, 2), "higher") == 1
    assert better_of((None, 2), "lower") is None
    people, share = declared_measures()["look_alikes"], declared_measures()["chance_level"]
    assert comparable({"value": 5, "of": 100, "unit": "people"}, people) == 0.05
    assert comparable({"value": -0.2, "of": 50, "unit": "share"}, share) == 0.2
    strata = declared_measures()["strata"]
    low, high, far = (comparable({"value": v, "of": None, "unit": "-log10 p"}, strata) for v in (0.1, 0.9, 5))
    assert low == high < far
    bits = [{"value": value, "of": None, "unit": "bits"} for value in (48, 123)]
    assert better_measure(declared_measures()["bits"], bits) == 1
    assert better_measure(declared_measures()["reading_grade"], bits) == 0
    assert better_measure(declared_measures()["bits"], [bits[0], {**bits[1], "value": None}]) is None


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0004, "share", "< 0.1\u00a0%"),
        (0.9999, "share", "> 99.9\u00a0%"),
        (0, "share", "0\u00a0%"),
        (0.1234, "share", "12.3\u00a0%"),
        (7.314, "years", "7.31 years"),
        (1234.5, "bits", "1,234.5 bits"),
        (0.41, "-log10 p", "0.41 (\u2212log₁₀ p)"),
    ],
)
def test_amounts(value, unit, text):
    assert amount(value, unit) == text
    assert percent(None) == "-"


def test_data_can_not_leave_its_element(written):
    assert not set(_data(written)) & {"<", ">", "&", "\u2028"}
    found = _Elements(written).found
    assert [tag for tag, _ in found].count("script") == 2
    pictures = [attributes for tag, attributes in found if tag == "img"]
    assert len(pictures) == 29  # one has no face
    assert all(picture["class"] == "face" and picture["src"].startswith("data:image/jpeg") for picture in pictures)


def test_half_a_surrogate_pair_is_written(tmp_path):
    report = sample_report("odd \ud83d name")
    write_page(report, [], tmp_path / "report.html")
    assert json.loads(_data((tmp_path / "report.html").read_text()))["report"]["target"]["name"] == "odd \ud83d name"


def test_nothing_outside_is_referred_to(written):
    for tag, attributes in _Elements(written).found:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            value = attributes.get(name) or ""
            assert not value or value.startswith(("#", "data:")), (tag, attributes)
    assert not re.findall(r"url\(|@import|https?://[^\s\"']+", written)


def test_policy_names_exactly_what_is_inside(written):
    parsed = _Elements(written)
    policy = next(a["content"] for _, a in parsed.found if a.get("http-equiv") == "Content-Security-Policy")
    parts = dict(part.split(" ", 1) for part in policy.split("; "))
    assert parts["default-src"] == "'none'"
    assert "unsafe" not in policy
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        bodies = [
            text
            for (name, attributes), text in zip(parsed.found, parsed.inside, strict=True)
            if name == tag and attributes.get("type") != "application/json"
        ]
        # an element's text ends at its end tag; what follows (line ends) is the parser's
        digests = {base64.b64encode(hashlib.sha256(_body(written, tag, body)).digest()).decode() for body in bodies}
        assert parts[directive].split() and set(parts[directive].split()) == {f"'sha256-{d}'" for d in digests}


def _body(text, tag, beginning):
    start = text.index(f"<{tag}>{beginning[:200]}") + len(tag) + 2
    return text[start : text.index(f"</{tag}>", start)].encode()


def test_page_is_whole_or_absent(tmp_path):
    def broken():
        yield sample_cards(1)[0]
        raise RuntimeError("the dataset ends here")

    with pytest.raises(RuntimeError):
        write_page(sample_report(), broken(), tmp_path / "report.html")
    assert not list(tmp_path.iterdir())
    with pytest.raises(DatasetError, match="cannot write"):
        write_page(sample_report(), [], tmp_path / "no such folder" / "report.html")


def test_a_number_that_json_lacks_is_an_error(tmp_path):
    report = sample_report()
    report["measures"][0]["value"] = float("nan")
    with pytest.raises(ValueError, match="JSON"):
        write_page(report, [], tmp_path / "report.html")


@pytest.mark.parametrize(("kind", "mode", "size"), [("JPEG", "RGB", (512, 512)), ("PNG", "RGBA", (300, 100))])
def test_thumbnail(tmp_path, kind, mode, size):
    picture = io.BytesIO()
    Image.new(mode, size, "teal").save(picture, kind)
    path = tmp_path / "face"
    path.write_bytes(picture.getvalue())
    uri = thumbnail(path)
    assert uri == thumbnail(picture.getvalue())
    head, body = uri.split(",")
    assert head == "data:image/jpeg;base64"
    with Image.open(io.BytesIO(base64.b64decode(body))) as small:
        assert small.format == "JPEG"
        assert max(small.size) == 96
        assert small.getpixel((5, 5)) == pytest.approx((0, 128, 128), abs=4)


def test_thumbnail_of_what_is_no_picture(tmp_path):
    picture = io.BytesIO()
    Image.new("RGB", (256, 256), "teal").save(picture, "JPEG")
    assert thumbnail(picture.getvalue()[:-200]) is None
    assert thumbnail(b"no picture") is None
    assert thumbnail(tmp_path / "missing.jpg") is None


def test_a_table_of_a_check_is_shown(written):
    section = re.search(r'<section id="guesses".*?</section>', written, re.S)[0]
    cells = [unescape(cell) for cell in re.findall(r'<td class="number"[^>]*>(.*?)</td>', section)]
    assert cells == ["3,520", "25.0\u00a0%", "26.1\u00a0%", "352", "-", "50.0\u00a0%"]
    assert HOSTILE not in section
    assert '<a href="#guesses">Guesses</a>' in written
