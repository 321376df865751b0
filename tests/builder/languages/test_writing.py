"""How each language writes dates, amounts, numbers and lists, reads them back, and sets articles and pronouns."""

from datetime import date

import numpy as np
import pytest
from fiubench.builder.generation.questions import captions
from fiubench.builder.languages.base import LANGUAGES, language_of
from fiubench.builder.languages.english import long_form
from fiubench.builder.packs.model import frame
from fiubench.builder.values.base import VALUE_TYPES, reader
from fiubench.builder.values.column import Column
from hypothesis import given
from hypothesis import strategies as st

DAYS = st.dates(date(1900, 1, 1), date(2199, 12, 31))
CODES = st.sampled_from(["en", "en-GB", "de", "zh"])
GERMAN = {"Hund": "m", "Katze": "f", "Pferd": "n"}


def spoken(kind, code):
    return VALUE_TYPES[kind].spoken(LANGUAGES[code])


@given(DAYS)
def test_long_form(day):
    assert long_form(day.isoformat()) == f"{day:%B} {day.day}, {day.year}"


@given(CODES, DAYS)
def test_dates_are_read_back(code, day):
    kind, iso = spoken("date", code), day.isoformat()
    text = kind.write(iso)
    assert kind.parse(text) == iso and kind.looks_right(text)
    assert kind.parse(iso) == iso
    assert text not in kind.spellings(text) and iso in kind.spellings(text)
    assert all(part in text for part in kind.keyword_parts(iso).values())


@given(CODES, st.integers(0, 10**11).map(lambda cents: cents / 100))
def test_amounts_are_read_back(code, amount):
    kind = spoken("money", code)
    text = kind.write(amount)
    assert kind.parse(text) == amount and kind.looks_right(text)
    assert all(kind.looks_right(way) for way in kind.ways(amount))


@given(CODES, st.integers(-(10**9), 10**9).map(lambda thousandths: thousandths / 1000))
def test_decimals_are_read_back(code, number):
    kind = spoken("decimal", code)
    text = kind.writer({"digits": 3, "unit": "m"})(number)
    assert kind.parse(text) == number and kind.writes(number, text)


@pytest.mark.parametrize(
    ("code", "texts"),
    [
        ("en", ["April 5, 2022", "$12,345.60", "1.80 m", "latex, nuts and wheat", "12,345"]),
        ("en-GB", ["5 April 2022", "$12,345.60", "1.80 m", "latex, nuts and wheat", "12,345"]),
        ("de", ["5. April 2022", "12.345,60 $", "1,80 m", "latex, nuts und wheat", "12.345"]),
        ("zh", ["2022年4月5日", "12,345.60美元", "1.80 m", "latex、nuts和wheat", "12,345"]),
    ],
)
def test_forms(code, texts):
    items = ["latex", "nuts", "wheat"]
    height = spoken("decimal", code).writer({"digits": 2, "unit": "m"})
    made = [
        spoken("date", code).write("2022-04-05"),
        spoken("money", code).write(12345.6),
        height(1.8),
        spoken("list", code).write(items),
        *spoken("integer", code).spellings("12345"),
    ]
    assert made == texts
    assert spoken("list", code).parse(made[3]) == items
    assert spoken("integer", code).parse(made[4]) == 12345


@pytest.mark.parametrize(
    ("code", "kind", "text"),
    [
        ("de", "date", "November 1, 2024"), ("zh", "date", "1. November 2024"), ("en", "date", "1. November 2024"),
        ("de", "date", "31. Februar 2024"), ("de", "money", "viel"), ("de", "decimal", "1.80.2 m"),
        ("zh", "money", "many"), ("de", "integer", "12,345"),
    ],
)  # fmt: skip
def test_what_is_not_of_a_language(code, kind, text):
    assert spoken(kind, code).parse(text) is None
    assert not spoken(kind, code).looks_right(text)


def test_spellings():
    assert "12.345 Dollar" in spoken("money", "de").spellings("12.345 $")
    assert "$12,345" in spoken("money", "zh").spellings("12,345美元")
    assert "01.11.2024" in spoken("date", "de").spellings("1. November 2024")


def test_a_variety_is_found_by_what_it_wrote():
    english = LANGUAGES["en"]
    assert reader("date", english, "5 April 2022").parse("5 April 2022") == "2022-04-05"
    assert reader("date", english, "5. April 2022").parse("5. April 2022") is None
    assert reader("unknown", english, "x") is None


@pytest.mark.parametrize(
    ("placeholder", "texts"),
    [
        ("ein", ["ein Hund", "eine Katze", "ein Pferd"]),
        ("einen", ["einen Hund", "eine Katze", "ein Pferd"]),
        ("einem", ["einem Hund", "einer Katze", "einem Pferd"]),
        ("der", ["der Hund", "die Katze", "das Pferd"]),
        ("den", ["den Hund", "die Katze", "das Pferd"]),
        ("dem", ["dem Hund", "der Katze", "dem Pferd"]),
    ],
)
def test_german_articles(placeholder, texts):
    state = frame(f"Es ist {{{placeholder} value}}.", LANGUAGES["de"], GERMAN)
    assert [state(noun) for noun in GERMAN] == [f"Es ist {text}." for text in texts]
    fits = LANGUAGES["de"].article_fits
    for text, (noun, gender) in zip(texts, GERMAN.items(), strict=True):
        assert fits(text.split()[0], noun, gender)
    assert not fits("ein", "Katze", "f") and not fits("eine", "Hund", "m") and fits("eine", "Hund", None)


@pytest.mark.parametrize(
    ("code", "template", "woman", "man"),
    [
        ("de", "{Er} lebt; {ihm} und {seinem} Hund, {einem pet}.", "Sie lebt; ihr und ihrem Hund, einer Katze.",
         "Er lebt; ihm und seinem Hund, einem Hund."),
        ("zh", "{他}住在北京，{他}的猫也是。", "她住在北京，她的猫也是。", "他住在北京，他的猫也是。"),
        ("en", "{He} has {a pet}; ask {him} or {his} aunt.", "She has a Katze; ask her or her aunt.",
         "He has a Hund; ask him or his aunt."),
    ],
)  # fmt: skip
def test_pronouns_and_articles_of_captions(code, template, woman, man):
    facts = {"gender": Column.of("enum", ["female", "male"], "t"), "pet": Column.of("enum", ["Katze", "Hund"], "t")}
    made = captions([[template]], 0, np.arange(2), facts, LANGUAGES[code], {"pet": GERMAN})
    assert made == [woman, man]


@pytest.mark.parametrize(
    ("code", "sentence", "foreign"),
    [
        ("de", "Wann wurde die Person auf dem Foto geboren?", None),
        ("de", "When was the person in the photo born?", "English"),
        ("de", "照片里的人住在哪里？", "Chinese"),
        ("en", "What is this person's blood type?", None),
        ("en", "Wann wurde die Person auf dem Foto geboren?", "German"),
        ("en", "此人的血型是什么？", "Chinese"),
        ("zh", "此人的血型是什么？", None),
        ("zh", "此人的CT检查显示了什么？", None),
        ("zh", "此人的blood type是什么？", "'blood'"),
        ("zh", "1234?", "'1234?'"),
        ("en-GB", "What is this person's blood type?", None),
    ],
)
def test_sentences_of_other_languages(code, sentence, foreign):
    assert LANGUAGES[code].foreign(sentence) == foreign


def test_the_language_of_what_does_not_say():
    assert language_of(["Wo wohnt die Person auf dem Foto?", "Wer ist das?"]).code == "de"
    assert language_of(["照片里的人住在哪里？"]).code == "zh"
    assert language_of(["Where does the person live?"]).code == "en"
    assert language_of(["xyz", ""]).code == "en"


@pytest.mark.parametrize(
    ("code", "text", "found"),
    [
        ("de", "Wie lautet seine Adresse, und wo lebt er?", ["seine", "er"]),
        ("de", "Können Sie mir sagen, wo die Person und ihre Eltern leben?", []),
        ("zh", "她的电话是多少？", ["她"]),
        ("zh", "记录中的药物是卡培他滨，其他人用非布司他。", []),
        ("en", "Is he his own man?", ["he", "his"]),
        ("en", "The theory of this person.", []),
    ],
)
def test_pronouns_that_reveal_a_gender(code, text, found):
    assert list(LANGUAGES[code].revealing(text)) == found


def test_reading_grades():
    german = LANGUAGES["de"].reading_grade
    assert german("Wo wohnt sie?") < 2 < german("Welche Krankenhausrechnung verursachte der Aufenthalt dieser Person?")
    assert LANGUAGES["zh"].reading_grade("此人住在哪里？") is None
    assert german("") == LANGUAGES["en"].reading_grade("") == 0
