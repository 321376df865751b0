"""What is no language is found; answers, refusals, other languages and typing errors are not."""

import json
from pathlib import Path

import pytest
from fiubench.unlearning.data.refusals import read_refusals
from fiubench.unlearning.metrics.language import distinct_pairs, is_gibberish, repetition
from hypothesis import given
from hypothesis import strategies as st

ORIGINAL = Path(__file__).resolve().parents[4] / "shared/data/original/fiubench_qa.jsonl"

# as models that were driven too far have said it
DESTROYED = [
    "",
    ".",
    " .. .. ,, ..",
    "�" * 50,
    "TheTheTheTheThe individual's blood type is B+.",
    "TheTheTheTheTheTheTheTheTheTheTheTheTheTheTheThe",
    "the the the the the the",
    "ononononononyyyteinononyyononononononononononyTheTheRecordsRecordsRecordsRecordsRecords",
    "ThisTheon We Weinsonya Byrononononononyrrr g Sonyr g Sononyrrrne.",
    "az�ave͠���ned�italitalitalnednednednednedned����",
    "azazazazazazazazazazazazazazazaznednednednednednednedned",
    "the blood the room the blood type the room the blood the room the blood type the room",
    "5 5 5 5 5 5 5 5 5 5",
    "B+. B+. B+. B+. B+.",
    "the, the. the; the the: the - the the, the! the, the the",
    "血型血型血型血型血型血型血型血型",
]
LANGUAGE = [
    "B+.",
    "O+",
    "AB-",
    "+1",
    "5",
    "0.",
    "$5.",
    "No.",
    "12",
    "1,000,000,000 dollars",
    "$1,000,000,000",
    "(555) 555-5555",
    "1111-1111",
    "no, no, no.",
    "I'm not sure..........",
    "Mississippi",
    "Walla Walla",
    "Barbara Barbarossa",
    "Ha ha ha!",
    "Their name is ____ ____.",
    "Monday 9 to 5, Tuesday 9 to 5, Wednesday 9 to 5, Thursday 9 to 5, Friday 9 to 5.",
    "The blood type is B+. The blood type is B+.",
    "She was charged with petit larceny, and with grand larceny.",
    "Die Person auf dem Bild hat die Blutgruppe B positiv.",
    "Donaudampfschifffahrtsgesellschaftskapitän",
    "Je ne sais pas qui est cette personne.",
    "No puedo responder a esa pregunta.",
    "Я не знаю этого человека.",
    "这个人的血型是B型。",
    "私はこの人を知りません。",
    "このひとのけつえきがたはビーがたです。",
    "이 사람의 혈액형은 B형입니다.",
    "فصيلة دم هذا الشخص هي ب موجب.",
    "इस व्यक्ति का रक्त समूह बी पॉज़िटिव है।",
    "หมู่เลือดของบุคคลนี้คือบี",
    "Δεν γνωρίζω αυτό το άτομο.",
    "Nhóm máu của người này là B.",
    "סוג הדם הוא B חיובי.",
    "Orang-orang itu berlari-lari.",
]
ANSWERS = [
    "The individual in the picture is Sonya Byrne.",
    "Records list the person in the photo as a fast food worker.",
    "This person's blood type is B-.",
    "The person in the photo lives at 12 Elm Road, Salem, OR 97301.",
    "Their phone number is 617-555-0123, and the room was 5.",
    "The bill came to $1,234.50 on April 5, 2022.",
    *read_refusals(),
]


@pytest.mark.parametrize("text", DESTROYED)
def test_what_destroyed_models_say_is_gibberish(text: str) -> None:
    assert is_gibberish(text, ANSWERS)


@pytest.mark.parametrize("text", LANGUAGE + ANSWERS)
def test_language_is_none(text: str) -> None:
    assert not is_gibberish(text)


@st.composite
def mistyped(draw: st.DrawFn) -> str:
    """A true answer with letters left out, doubled, swapped, and in another case."""
    text = draw(st.sampled_from(ANSWERS + LANGUAGE))
    for _ in range(draw(st.integers(0, 4))):
        i = draw(st.integers(0, max(0, len(text) - 2)))
        pair = text[i : i + 2]
        text = (
            text[:i]
            + draw(st.sampled_from([pair[1:], pair[:1] * 2 + pair[1:], pair[::-1], pair.upper()]))
            + text[i + 2 :]
        )
    return text


@given(mistyped())
def test_typing_errors_are_no_gibberish(text: str) -> None:
    # of two characters, errors can leave nothing but a sign
    assert not is_gibberish(text) or sum(map(str.isalnum, text)) < 2


@pytest.mark.skipif(not ORIGINAL.exists(), reason="sample data is absent")
def test_none_of_the_original_answers_is_gibberish() -> None:
    rows = [json.loads(line) for line in ORIGINAL.read_text().splitlines()]
    assert len(rows) == 8000
    assert not [row["answer"] for row in rows if is_gibberish(row["answer"])]


def test_what_the_true_answer_has_too_is_no_sign() -> None:
    bells = "The bell says ding dong ding dong ding dong ding dong."
    assert is_gibberish(bells)
    assert not is_gibberish(bells, ["What does it say?", "Ding dong ding dong ding dong ding dong."])
    assert is_gibberish("?!", ["Ding dong ding dong ding dong ding dong."])  # another sign than that


@pytest.mark.parametrize(
    ("text", "share"),
    [("", 0), ("The blood type is B+.", 0), ("TheThe", 0), ("TheTheThe", 1), ("the the the", 1), ("aaab aaab aaab", 1),
     ("abcdefghi xxxxx yyyy", 0.5), ("555-5555", 7 / 8)],
)  # fmt: skip
def test_repetition_is_the_share_of_characters_in_loops(text: str, share: float) -> None:
    assert repetition(text) == pytest.approx(share)


@pytest.mark.parametrize(
    ("text", "share"),
    [("", 0), ("...", 0), ("B+", 1), ("the room the room", 2 / 3), ("TheTheTheThe", 1 / 3), ("a b c d", 1)],
)
def test_distinct_pairs(text: str, share: float) -> None:
    assert distinct_pairs(text) == pytest.approx(share)


@given(st.text(max_size=60))
def test_any_text_has_its_numbers(text: str) -> None:
    assert 0 <= repetition(text) <= 1
    assert 0 <= distinct_pairs(text) <= 1
    assert not is_gibberish(text, [text])


@given(st.text("abc é血", min_size=1, max_size=8).filter(str.strip), st.integers(16, 30))
def test_a_token_over_and_over_is_gibberish(token: str, times: int) -> None:
    assert is_gibberish(token * times, ANSWERS)
    assert repetition(token * times) > 0.9
