"""Figures of reports as text; how they look on a page is in the browser tests of the reports."""

import re
import warnings
from pathlib import Path

from fiubench.support.page import figures

HOSTILE = '</svg><script style="x:y">alert(1)</script> $x$ 名 \ud83d'


def _bars(figure):
    figures.bars(figure.subplots(), ["$1 and $2", HOSTILE], {HOSTILE: [0.5, None]}, "{:.1f}".format)
    figures.legend(figure)


def test_the_same_figure_gives_the_same_bytes():
    assert figures.svg(_bars, "bars") == figures.svg(_bars, "bars")
    assert figures.png(_bars) == figures.png(_bars)


def test_svg_may_stand_in_a_page():
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # no font is asked for what it has not
        drawn = figures.svg(_bars, 'label "quoted" <&>')
    assert drawn.startswith('<svg class="chart" role="img" aria-label="label &quot;quoted&quot; &lt;&amp;>" viewBox="')
    tags = re.findall(r"<[^>]+>", drawn)
    assert drawn.count("<svg") == 1 and not [
        tag for tag in tags if "style=" in tag or "xmlns" in tag or "<style" in tag
    ]
    assert not [tag for tag in tags if tag.startswith(("<script", "<metadata", "<clipPath"))]
    assert "$1 and $2" in drawn  # and not mathematics
    ids = re.findall(r'id="([^"]+)"', " ".join(tags))
    assert len(ids) == len(set(ids))


def test_colours_are_those_of_the_style_sheet():
    drawn = figures.svg(_bars, "bars")
    assert not re.findall(r'(?:fill|stroke)="#[^"]+"', drawn)
    used = set(re.findall(r"var\(--([\w-]+)\)", drawn))
    assert {"ink", "muted", "series-0"} <= used
    style = Path(figures.__file__).with_name("page.css").read_text()
    assert all(f"--{name}: light-dark(" in style for name in used)


def test_a_label_is_one_line_that_fits():
    assert figures.cut("a\n b\tc") == "a b c"
    assert figures.cut("x" * 40) == "x" * 29 + "…"
    assert figures.cut("odd \ud83d") == "odd ?"
