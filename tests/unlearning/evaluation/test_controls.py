import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fiubench.support.errors import ConfigError
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.evaluation.controls import BLANK, PLAINLY, Control, Pictures, load_controls
from fiubench.unlearning.metrics.text import chosen

ALL = ["blank", "other_face", "name", "unseen_phrasing", "flip", "crop", "reencode", "choice", "cloze"]


def controls() -> dict[str, Control]:
    return {control.name: control for control in load_controls(["all"])}


def test_names() -> None:
    assert list(controls()) == ALL
    assert load_controls(["none"]) == []
    assert [c.name for c in load_controls(["blank", "flip"])] == ["blank", "flip"]
    with pytest.raises(ConfigError, match="Did you mean 'blank'"):
        load_controls(["blnak"])


def test_what_a_control_shows(data: Data) -> None:
    sample = data.samples("full")[0]
    own = np.asarray(data.image(sample.unique_id))
    pictures = Pictures(data)

    def shown(name: str) -> np.ndarray:  # type: ignore[type-arg]
        image = pictures.turn(sample, controls()[name]).image
        assert image is not None
        return np.asarray(image)

    plain = pictures.turn(sample, PLAINLY["picture"])
    assert plain.question == sample.question and (np.asarray(plain.image) == own).all()
    assert shown("blank").shape == own.shape and len(np.unique(shown("blank"))) == 1
    assert (shown("flip") == own[:, ::-1]).all()
    assert shown("crop").shape[0] == round(own.shape[0] * 0.8) or abs(shown("crop").shape[0] - own.shape[0] * 0.8) <= 1
    difference = np.abs(shown("reencode").astype(int) - own).mean()
    assert 0 < difference < 20
    assert pictures.turn(sample, controls()["name"]).image is None
    assert (shown("unseen_phrasing") == own).all()


def test_another_face_is_of_somebody_else_and_always_the_same(data: Data) -> None:
    pictures = Pictures(data)
    for unique_id in data.ids("full"):
        assert pictures.stand_in(unique_id) != unique_id
        assert pictures.stand_in(unique_id) == Pictures(data).stand_in(unique_id)
        assert pictures.stand_in(unique_id) not in data.ids("holdout")


def test_what_a_control_asks(data: Data) -> None:
    samples = {s.attribute: s for s in data.samples("full")[:20]}
    room, name = samples["room_number"], samples["full_name"]
    pictures = Pictures(data)
    by_name = controls()["name"]
    assert by_name.named
    told = pictures.turn(room.by_name(), by_name)
    assert room.name in told.question and "person" not in told.question
    assert not by_name.applies(name)  # the answer would be in the question
    assert by_name.applies(room)
    unseen = pictures.turn(room, controls()["unseen_phrasing"]).question
    assert unseen not in {q for s in data.samples("full") for q in (s.question, *s.paraphrased_question)}


def test_multiple_choice_and_cloze(data: Data) -> None:
    """The four answers once each, in an order that hangs on the question; the fact in no cloze."""
    choice, cloze = controls()["choice"], controls()["cloze"]
    letters = []
    for sample in data.samples("full"):
        assert choice.applies(sample)
        question, *lines, _ = choice.asked(sample).split("\n")
        assert question == sample.question
        told = dict(line.split(". ", 1) for line in lines)
        assert list(told) == ["A", "B", "C", "D"]
        assert set(told.values()) == {sample.paraphrased_answer, *sample.perturbed_answer}
        (letter,) = (letter for letter, text in told.items() if text == sample.paraphrased_answer)
        letters.append(letter)
        for said, right in ((letter, True), (f"({letter}) because", True), (sample.paraphrased_answer, True)):
            assert chosen(choice.asked(sample), sample.paraphrased_answer, said) is right
        for said in (
            "ABCD".replace(letter, "")[0],
            sample.perturbed_answer[0],
            " ".join(told.values()),
            "A dog",
            "I. Do not.",
        ):
            assert chosen(choice.asked(sample), sample.paraphrased_answer, said) is False
        assert chosen(sample.question, sample.paraphrased_answer, letter) is None
        if cloze.applies(sample):
            assert BLANK in cloze.asked(sample)
            assert not any(re.search(rf"\b{re.escape(word)}\b", cloze.asked(sample)) for word in sample.keywords)
    assert all(letters.count(letter) > len(letters) / 8 for letter in "ABCD")
    assert sum(map(cloze.applies, data.samples("full"))) > 0.9 * len(letters)


def test_a_blank_stands_for_whole_words(data: Data) -> None:
    cloze, sample = controls()["cloze"], data.samples("full")[0]
    one = replace(sample, answer="In 2013 room 3 was theirs, room 3 alone.", keywords=("3",))
    assert cloze.asked(one).endswith(f"In 2013 room {BLANK} was theirs, room {BLANK} alone.")
    assert not cloze.applies(replace(one, answer="In 2013 it was room 31."))
    assert cloze.asked(replace(one, answer="He is an engineer.", keywords=("engineer",))).endswith(f"a(n) {BLANK}.")
    assert cloze.asked(replace(one, answer="\u8840\u578b\u662fA\u578b\u3002", keywords=("A",))).count(BLANK) == 1


def test_ones_own_controls(tmp_path: Path, data: Data) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("black: {image: blank, colour: [0, 0, 0]}\nshout: {wording: '{question}!!'}\n")
    black, shout = load_controls([str(path)])
    sample = data.samples("full")[0]
    image = Pictures(data).turn(sample, black).image
    assert image is not None and not np.asarray(image).any()
    assert Pictures(data).turn(sample, shout).question == f"{sample.question}!!"
    path.write_text("black: {image: balck}\n")
    with pytest.raises(ConfigError, match=r"mine\.yaml, black"):
        load_controls([str(path)])
    path.write_text("all: {image: blank}\n")
    with pytest.raises(ConfigError):
        load_controls([str(path)])
