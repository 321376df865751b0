"""Mistakes that people make in packs: each ends in a message with the file, the line, and what would be right."""

import re

import pytest
from fiubench.builder.config import make_config
from fiubench.builder.pipeline.checking import check_packs
from fiubench.support.errors import FiubenchError

PACK = """\
pack: mine
words: [padel]
attributes:
  - name: sport
    category: leisure
    sensitivity: low
    type: enum
    choose:
      by: gender
      cases:
        female: [netball, tennis, football, rowing, judo]
        male: {football: 2, rugby: 2, tennis: 3, boxing: 2}
    constraints:
      - "sport != 'boxing' or age_on(date_of_birth, as_of) < 60"
    questions:
      - "Which sport does this person play?"
      - "What is the favourite sport of the person in the photo?"
      - "Can you tell me which sport the individual shown here plays?"
      - "Which sport is on record for the person pictured?"
    answers:
      - "This person's sport is {value}."
      - "The sport, padel or another, is {value}."
  - name: height
    category: health
    type: decimal
    unit: m
    digits: 2
    generate:
      decimal: {min: 1.5, max: 2, step: 0.01}
  - name: allergies
    category: health
    type: list
    generate:
      list: {of: [latex, nuts, eggs, wheat], count: 2}
  - name: pressure
    category: health
    type: parts
    generate:
      parts: {format: "{high}/{low}", high: {min: 100, max: 160}, low: {min: 60, max: 99}}
  - name: account
    category: bank
    type: code
    generate:
      code: {pattern: "XX** AA## #### #### ##", check: iban}
  - name: car
    category: vehicles
    type: enum
    choose: {file: cars.csv, column: model, weights: share}
"""
CARS = "model,share\nGolf,3\nCorsa,2\nClio,4\nPolo,1.5\n"
#: What is written, what it should have been, the line that the message names, and words of the message and of its hint.
MISTAKES = {
    "a key that is none": ("nmae: sport", "name: sport", 4, "'nmae' was unexpected", "Did you mean 'name'?"),
    "a type that is none": ("enumm\n    choose:\n", "enum\n    choose:\n", 7, "enumm", "Did you mean 'enum'?"),
    "a list for a weight": ("football: [2]", "football: 2", 12, "choose.cases.male.football", "weights above 0"),
    "no cases": ("kases:", "cases:", 10, "'kases'", "Did you mean 'cases'?"),
    "a case that the fact never has": ("        fmale: [net", "        female: [net", 10,
                                       "gender is never 'fmale'", "'female'"),
    "a fact that is none": ("by: gendre", "by: gender", 9, "unknown fact 'gendre'", "Did you mean 'gender'?"),
    "a value that the fact never has": ("!= 'boxin'", "!= 'boxing'", 14, "sport is never 'boxin'", "'boxing'"),
    "a function that is none": ("age_in(", "age_on(", 14, "unknown function 'age_in'", "Did you mean 'age_on'?"),
    "half an expression": ("as_of) <\"", "as_of) < 60\"", 14, "is not valid", "docs/attributes.md"),
    "a question without its mark": ("person play.", "person play?", 16, "questions[0]", "question mark"),
    "a question of another's gender": ("does he play", "does this person play", 16, "'he'", "Write 'this person'"),
    "a misspelled word": ("the favurite", "the favourite", 17, "'favurite'", "`words`"),
    "a word twice": ("What is is the", "What is the", 17, "twice in a row", "Write the word once"),
    "words run together": ("is onrecord for", "is on record for", 19, "'onrecord'", "'on record'"),
    "a space too many": ("Which  sport is", "Which sport is", 19, "a space too many", "single spaces"),
    "an answer without a value": ("sport is {vaule}.", "sport is {value}.", 21, "answers[0]", "{value}"),
    "an answer that begins with its value": ("{value} is this person's sport.", "This person's sport is {value}.", 21,
                                             "begins with the value", "Begin with a word"),
    "a word that the pack does not list": ("[paddel]", "[padel]", 22, "'padel'", "below `words`"),
    "digits that do not tell steps apart": ("digits: 1", "digits: 2", 29, "not told apart by 1 digits", "digits: 2"),
    "a range upside down": ("max: 1, step", "max: 2, step", 29, "max 1 is less than min 1.5", ""),
    "a step left out": (", step: 0.01", "", 29, "step", ""),
    "a list as long as its things": ("count: 4", "count: 2", 34, "fewer than 4 lists of 4", "Lengthen `of`"),
    "a part that is not declared": ("{high}/{lo}", "{high}/{low}", 39, "{lo} is not declared", "`lo: {min"),
    "a part of one number": ("high: {min: 100}", "high: {min: 100, max: 160}", 39, "", ""),
    "an account that may be somebody's": ("ES** AA", "XX** AA", 44, "is no pattern for `check: iban`", "nobody is (XX"),
    "check digits in another place": ("XX## AA** ", "XX** AA## ", 44, "XX## AA** ", "behind the country"),
    "check digits of no kind": ("check: ibna", "check: iban", 44, "ibna", ""),
    "a file that is not there": ("file: car.csv", "file: cars.csv", 48, "car.csv", ""),
    "a column that is not there": ("column: modle", "column: model", 48, "no column 'modle'", "Did you mean 'model'?"),
    "weights that are words": ("weights: model", "weights: share", 48, "no decimal that can be used", "right file"),
    "a sensitivity that is none": ("sensitivity: lwo", "sensitivity: low", 6, "lwo", ""),
    "answers alone": ("    kestions:\n", "    questions:\n", 15, "'kestions' was unexpected",
                      "Did you mean 'questions'?"),
    "a range's distance for words": ("enum\n    perturb: {distance: near}\n    choose:\n", "enum\n    choose:\n", 8,
                                     "values have no order", "Leave `distance` out"),
}  # fmt: skip


@pytest.fixture
def check(tmp_path):
    (tmp_path / "cars.csv").write_text(CARS)

    def run(text):
        file = tmp_path / "mine.yaml"
        file.write_text(text)
        settings = {"faces": "none", "attributes": [str(file)], "identities": 60, "holdout": 0, "ratios": [50]}
        return dict(check_packs(make_config(settings)))

    return run


def test_without_a_mistake(check):
    told = check(PACK)
    sport = told.pop("sport")
    assert sport.startswith("7 values among 60 people") and "for the same gender" in sport

    assert set(told) == {"height", "allergies", "pressure", "account", "car"}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_its_line_and_what_would_be_right(check, mistake):
    wrong, right, line, what, hint = MISTAKES[mistake]
    assert PACK.count(right) == 1 or wrong == ", step: 0.01"
    with pytest.raises(FiubenchError) as told:
        check(PACK.replace(wrong, "") if right == "" else PACK.replace(right, wrong))
    first, *rest = str(told.value).splitlines()
    assert "mine.yaml: " in first
    assert re.search(rf"\(line {line}\): ", first), first
    assert what in first
    assert hint in told.value.hint
    assert len(rest) <= 1
    assert told.value.hint
