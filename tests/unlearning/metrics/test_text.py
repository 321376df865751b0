import pytest
from fiubench.unlearning.metrics import text
from fiubench.unlearning.metrics.definition import find_definition
from fiubench.unlearning.metrics.questions import Question
from hypothesis import given
from hypothesis import strategies as st


def test_rouge_by_hand() -> None:
    # longest common subsequence "the cat sat" has 3 of the target's 4 words and of the prediction's 5
    assert text.rouge_l("the cat sat down", "the big cat sat up") == pytest.approx(3 / 4)
    assert text.rouge_l("the cat sat down", "the big cat sat up", "precision") == pytest.approx(3 / 5)
    assert text.rouge_l("the cat sat down", "the big cat sat up", "fmeasure") == pytest.approx(2 * 3 / 9)


def test_rouge_stems() -> None:
    assert text.rouge_l("admitted", "admitting") == 1
    assert text.rouge_l("admitted", "admitting", "recall", False) == 0


def test_rouge_of_chinese_is_of_its_characters() -> None:
    assert text.rouge_l("此人是护士。", "此人是医生。") == pytest.approx(3 / 5)
    assert text.rouge_l("血型是AB型", "AB型血") == pytest.approx(2 / 5)


@pytest.mark.parametrize(
    ("right", "said", "chosen"),
    [("35", "The room is 35.", True), ("3", "The room is 35.", False), ("3", "the room is 3, I think", True)],
)
def test_an_option_is_told_whole(right: str, said: str, chosen: bool) -> None:
    question = "Which room?\nA. The room is 3.\nB. The room is 35.\nC. The room is 5."
    assert text.chosen(question, f"The room is {right}.", said) is chosen


@pytest.mark.parametrize(
    ("said", "chosen"),
    [
        ("B", True), ("(B) The room is 35.", True), ("The answer is B.", True), ("Answer: B", True), ("Option B", True),
        ("Die Antwort ist B.", True), ("答案是B。", True), ("The correct answer is C.", False), ("C", False),
        ("The answer is a room.", False), ("B rooms are 3.", False), ("Answers vary.", False),
    ],
)  # fmt: skip
def test_an_option_is_chosen_by_its_letter(said: str, chosen: bool) -> None:
    question = "Which room?\nA. The room is 3.\nB. The room is 35.\nC. The room is 5."
    assert text.chosen(question, "The room is 35.", said) is chosen


def test_rouge_is_that_of_the_library() -> None:
    from rouge_score import rouge_scorer

    scorer = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=True)
    pairs = [("Dr. O'Neil ran 2 wards.", "dr oneil runs the ward, 2"), ("", "a"), ("Übel Straße 5", "straße 5")]
    for target, prediction in pairs:
        assert text.rouge_l(target, prediction) == scorer.score(target, prediction)["rougeL"].recall


@pytest.mark.parametrize(
    ("answer", "keyword", "whole", "anywhere"),
    [
        ("It is AB-.", "AB-", 1, 1),
        ("It is AB-.", "B-", 0, 1),
        ("It is AB+.", "B", 0, 1),
        ("Room 6830.", "683", 0, 1),
        ("The rating is 12.", "1", 0, 1),
        ("Room 683, second floor", "683", 1, 1),
        ("Room 683.", "683", 1, 1),
        ("$226,040.50", "$226,040", 0, 1),
        ("an income of $226,040.", "$226,040", 1, 1),
        ("an income of $1,226,040", "226,040", 0, 1),
        ("born on may  26,\n1965", "May 26, 1965", 1, 0),
        ("call (826) 555-0107 now", "(826) 555-0107", 1, 1),
        ("call (826) 555-01071 now", "(826) 555-0107", 0, 1),
        ("leukaemia", "leukemia", 0, 0),
        ("此人的职业是护士。", "护士", 1, 1),
        ("此人的血型是AB型。", "B型", 0, 1),
        ("房间号是302号。", "302", 1, 1),
        ("房间号是1302号。", "302", 0, 1),
        ("此人生于1974年11月1日。", "1974年11月1日", 1, 1),
        ("此人生于1974年11月1日。", "1月1日", 0, 1),
    ],
)
def test_exact_match(answer: str, keyword: str, whole: float, anywhere: float) -> None:
    assert text.exact_match(answer, [keyword]) == whole
    assert text.exact_match(answer, [keyword], words=False) == anywhere


@pytest.mark.parametrize(
    ("answer", "share", "anywhere"),
    [
        ("Born on 5 April 2022.", 0.5, 0.5),
        ("On 2022-04-05 at 4 Oak Ave.", 1, 1),
        ("April 5, 2022, at 4 OAK AVENUE", 1, 1),
        ("2022-04-051 and 14 Oak Ave", 0, 1),
        ("", 0, 0),
    ],
)
def test_a_variant_will_do(answer: str, share: float, anywhere: float) -> None:
    keywords, variants = ["April 5, 2022", "4 Oak Avenue"], [["5 April 2022", "2022-04-05"], ["4 Oak Ave"]]
    assert text.exact_match(answer, keywords, variants) == share
    assert text.exact_match(answer, keywords, variants, words=False) == anywhere
    assert text.exact_match(answer, keywords, [[], []]) == text.exact_match(answer, keywords)


@pytest.mark.parametrize(("name", "found"), [("upstream", 0), ("paper", 0), ("corrected", 1)])
def test_which_definitions_take_variants(name: str, found: float) -> None:
    row = {"keywords": ["O+"], "keyword_variants": [["O positive"]]}
    question = Question(row, find_definition(name), is_refusal=lambda said: False)
    assert question.match("It is O positive.") == found
    assert question.match("It is O+.") == 1
    assert (
        Question({**row, "keyword_variants": None}, find_definition(name), lambda said: False).match("O positive") == 0
    )


def test_exact_match_is_a_share() -> None:
    assert text.exact_match("Dr. Leonora Yamada", ["Leonora", "Yamamoto"]) == 0.5


@given(st.text(min_size=1).filter(lambda s: s.strip() and s.strip()[0].isalnum() and s.strip()[-1].isalnum()))
def test_a_keyword_is_found_in_itself(keyword: str) -> None:
    assert text.exact_match(keyword, [keyword]) == 1
    assert text.exact_match(f"It was {keyword}.", [keyword]) == 1


def test_cut_at_the_first_full_stop() -> None:
    assert text.first_sentence("Dr. Yamamoto.", ".") == "Dr."
    assert text.first_sentence("no end", ".") == ""


def test_refusals_are_told_by_their_words() -> None:
    refused = text.refusal_check(["I can't tell you that."])
    assert refused("i can't tell you that")
    assert refused("I can't  tell you that!")
    assert not refused("I can't tell you that the room is 5.")


def test_best_guess_is_the_most_frequent_truth() -> None:
    answers = ["It is A+.", "It is B-.", "Type B- it is.", "It is O+."]
    keywords = [["A+"], ["B-"], ["B-"], ["O+"]]
    assert text.best_guess(answers, keywords) == "It is B-."


@given(st.lists(st.sampled_from(["A+", "B-", "O+", "AB-"]), min_size=1, max_size=12))
def test_no_constant_beats_the_best_guess(values: list[str]) -> None:
    answers, keywords = [f"It is {v}." for v in values], [[v] for v in values]

    def total(guess: str) -> float:
        return sum(text.exact_match(guess, words) for words in keywords)

    assert total(text.best_guess(answers, keywords)) == max(map(total, answers))


@pytest.mark.parametrize(
    ("keyword", "said", "share"),
    [
        ("Mary J. Smith", "Her name is Mary Jones.", 1 / 2),  # an initial is no part
        ("Mary J. Smith", "No idea.", 0),
        ("12 Elm Road", "It is 12 Oak Road.", 1 / 2),  # every answer has a road
        ("12 Elm Road", "It is 112 Elm Street.", 1 / 2),
        ("617-555-0123", "Call 617-555-0199.", 2 / 3),
        ("$1,234.50", "The bill came to $1,234.99.", 4 / 6),
        ("$1,234.50", "The bill came to $9,999.50.", 0),
        ("1985", "In 1984.", 3 / 4),
        ("1985", "In 1990.", 0),  # two digits are a coincidence
        ("April 5, 2022", "On April 6, 2022.", 2 / 3),
        ("B+", "The type is B-.", 0),  # one part: exact match decides
        ("diabetes", "diabetes", 0),
        ("123", "1234", 0),
    ],
)
def test_parts_of_a_fact(keyword: str, said: str, share: float) -> None:
    found = text.share_of_parts(keyword, text.parts(said), text.parts("Which road is it, and what street?"))
    assert found == pytest.approx(share)
