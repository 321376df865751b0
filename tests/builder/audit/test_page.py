"""The page as a file. How it behaves in a browser is in test_page_in_browser.py."""

import base64
import hashlib
import io
import json
import re
from html.parser import HTMLParser

import pytest
from fiubench.builder.audit.page import thumbnail, write_page
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
    assert [card["name"] for card in data["cards"]][:3] == [HOSTILE, BREAKOUT, "Zoë Núñez"]
    assert len(data["cards"]) == 30
    assert data["better"]["bits"] == "higher"
    assert data["better"]["doubled_words"] == "lower"
    assert data["limits"]["reading_grade"] == {"warn_above": 10, "fail_above": 14}


def test_data_can_not_leave_its_element(written):
    assert not set(_data(written)) & {"<", ">", "&", "\u2028"}
    tags = [tag for tag, _ in _Elements(written).found]
    assert tags.count("script") == 7
    assert "img" not in tags


def test_half_a_surrogate_pair_is_written(tmp_path):
    report = sample_report("odd \ud83d name")
    write_page(report, [], tmp_path / "report.html")
    assert json.loads(_data((tmp_path / "report.html").read_text()))["report"]["target"]["name"] == "odd \ud83d name"


def test_nothing_outside_is_referred_to(written):
    for tag, attributes in _Elements(written).found:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            value = attributes.get(name) or ""
            assert not value or value.startswith(("#", "data:")), (tag, attributes)
    for reference in re.findall(r"url\(|@import|https?://[^\s\"']+", written):
        assert reference == "http://www.w3.org/2000/svg"  # a name, never fetched


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
