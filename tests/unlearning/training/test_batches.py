"""What a step of unlearning is fed: the forget questions, answered in the ways that methods need."""

import pytest
from fiubench.support.errors import ConfigError
from fiubench.unlearning.methods.base import ALTERNATE, FORGET, MISMATCH, REFUSAL, RETAIN
from fiubench.unlearning.training.batches import Pairs, Row

FORGOTTEN = [Row((f"q{i}", f"q{i}?"), f"a{i}", None, (f"w{i}0", f"w{i}1", f"w{i}2")) for i in range(2)]
RETAINED = [Row((f"r{i}",), f"b{i}", None) for i in range(5)]
NAMES = (FORGET, RETAIN, REFUSAL, ALTERNATE, MISMATCH)


def test_wrong_answers_come_in_turn_and_again_after_a_cycle() -> None:
    pairs = Pairs(FORGOTTEN, RETAINED, NAMES, 0)
    assert pairs.cycle == 2 * 2 * 3  # rows, phrasings, wrong answers
    for row in range(2):
        turns = [pairs.turn(ALTERNATE, epoch * 2 + row) for epoch in range(12)]
        assert {turn.answer for turn in turns[:3]} == {*FORGOTTEN[row].wrong}
        assert turns[:6] == turns[6:]
        asked = [pairs.turn(FORGET, epoch * 2 + row) for epoch in range(12)]
        assert [turn.question for turn in turns] == [turn.question for turn in asked]


def test_without_wrong_answers_a_cycle_is_shorter() -> None:
    assert Pairs(FORGOTTEN, RETAINED, (FORGET, RETAIN), 0).cycle == 2 * 2


def test_a_mismatch_is_the_answer_of_the_retain_row() -> None:
    pairs = Pairs(FORGOTTEN, RETAINED, NAMES, 3)
    for index in range(20):
        pair = pairs[index]
        assert pair[MISMATCH].answer == pair[RETAIN].answer
        assert pair[MISMATCH].question == pair[FORGET].question
    assert {pairs.turn(MISMATCH, index).answer for index in range(5)} == {row.answer for row in RETAINED}


def test_a_question_without_wrong_answers() -> None:
    rows = [FORGOTTEN[0], Row(("q9",), "a9", None)]
    Pairs(rows, RETAINED, (FORGET,), 0)
    with pytest.raises(ConfigError, match="a question has no wrong answer: q9"):
        Pairs(rows, RETAINED, (FORGET, ALTERNATE), 0)
