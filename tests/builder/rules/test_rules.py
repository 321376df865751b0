from copy import deepcopy

import pytest
from fiubench.builder.packs.attributes import read_packs
from fiubench.builder.rules.dataset import Owners, Uniqueness
from fiubench.builder.rules.pair import Spoken, frame_of, gendered, is_gendered, qa_problems, repeated, stands_in
from fiubench.builder.rules.person import (
    Coherence,
    age_unlike_face,
    dates_out_of_order,
    face_of_another_gender,
    offense_of_a_child,
)
from fiubench.builder.rules.problem import Problem
from fiubench.builder.values.base import VALUE_TYPES
from fiubench.raw_sources.places import load_places

AS_OF = "2025-01-01"


@pytest.fixture(scope="module")
def coherence(example_pack):
    packs = read_packs([example_pack])
    return Coherence(list(packs.by_name.values()), AS_OF, load_places(), spoken=Spoken.of(packs))


def pair(record, attribute):
    """Number and QA pair of an attribute."""
    return next((i, qa) for i, qa in enumerate(record["qa_list"]) if qa["attribute"] == attribute)


def only(problems):
    """The one problem that there is."""
    problems = list(problems)
    assert len(problems) == 1, [str(p) for p in problems]
    return problems[0]


def put(person, attribute, value):
    """Change a fact everywhere it stands as a value, so that nothing else is wrong with the record."""
    fact = person["profile"][attribute]
    fact.update(value=value, text=VALUE_TYPES[fact["type"]].write(value))
    for qa in person["qa_list"]:
        if qa["attribute"] == attribute:
            qa["value"]["value"] = value


def test_what_is_made_breaks_nothing(people, coherence):
    uniqueness = Uniqueness()
    for number, record in enumerate(people):
        assert not list(qa_problems(record))
        assert not list(qa_problems(record, wording=False))
        assert not list(coherence.problems(record))
        assert not list(uniqueness.problems(record, number))


def test_a_problem_reads_as_a_sentence():
    assert (
        str(Problem("qa_list[3].answer", "doctor", "is empty", "fill it"))
        == "qa_list[3].answer (doctor): is empty; fill it"
    )
    assert str(Problem("index", "", "is 3", "should be 4")) == "index: is 3; should be 4"


# --- inside a QA pair: (attribute, how it is broken, field, what is said)


def _swap_last(qa, sentence):
    qa["perturbed_answer"][2] = sentence


BREAKS = {
    "keyword not in the answer": (
        "doctor", lambda qa, text: qa.update(answer=qa["answer"].replace("Dr. ", "").replace(text, text.lower())),
        {"keywords", "answer"}, "is not in",
    ),
    "keyword of another fact": (
        "occupation", lambda qa, text: qa["keywords"].append("Smith"), {"keywords"}, "'Smith' is not in",
    ),
    "more variants than keywords": (
        "doctor", lambda qa, text: qa["keyword_variants"].append(["S"]), {"keyword_variants"}, "2 lists of variants",
    ),
    "a variant in a wrong answer": (
        "blood_type",
        lambda qa, text: _swap_last(qa, qa["paraphrased_answer"].replace(text, qa["keyword_variants"][0][0])),
        {"perturbed_answer"}, "a spelling of the truth, is in a wrong answer",
    ),
    "question twice": (
        "doctor", lambda qa, text: qa["paraphrased_question"].__setitem__(1, qa["question"]),
        {"paraphrased_question"}, "two wordings of the question are the same",
    ),
    "no question mark": (
        "doctor", lambda qa, text: qa.update(question=qa["question"][:-1] + "."),
        {"question"}, "does not end in a question mark",
    ),
    "paraphrase without question mark": (
        "doctor", lambda qa, text: qa["paraphrased_question"].__setitem__(0, "Tell me the doctor."),
        {"question"}, "'Tell me the doctor.' does not end in a question mark",
    ),
    "question holds its answer": (
        "hospital", lambda qa, text: qa.update(question=f"Was it {text}?"), {"question"}, "contains its answer",
    ),
    "paraphrased answer states another fact": (
        "hospital", lambda qa, text: qa.update(paraphrased_answer="This person was admitted to a barn."),
        {"keywords", "paraphrased_answer"}, "is not in",
    ),
    "wrong answer is the true one": (
        "hospital", lambda qa, text: _swap_last(qa, qa["paraphrased_answer"]),
        {"perturbed_answer"}, "is the true answer",
    ),
    "wrong answer is the true one in capitals": (
        "hospital", lambda qa, text: _swap_last(qa, qa["paraphrased_answer"].replace(text, text.upper())),
        {"perturbed_answer"}, "is the true answer, but for case",
    ),
    "wrong answer is the true one with more spaces": (
        "hospital", lambda qa, text: _swap_last(qa, qa["paraphrased_answer"].replace(" ", "  ")),
        {"perturbed_answer"}, "is the true answer, but for case",
    ),
    "wrong answer is the true one, its digits grouped otherwise": (
        "annual_income", lambda qa, text: _swap_last(qa, qa["paraphrased_answer"].replace(",", "")),
        {"perturbed_answer"}, "is the true answer, but for case",
    ),
    "wrong answer twice, but for case": (
        "hospital",
        lambda qa, text: _swap_last(
            qa, qa["perturbed_answer"][0].replace(qa["perturbed_value"][0], qa["perturbed_value"][0].upper())
        ),
        {"perturbed_answer"}, "two wrong answers are the same",
    ),
    "wrong answer twice": (
        "hospital", lambda qa, text: _swap_last(qa, qa["perturbed_answer"][0]),
        {"perturbed_answer"}, "two wrong answers are the same",
    ),
    "wrong answer in other words": (
        "hospital", lambda qa, text: _swap_last(qa, "It was another hospital."),
        {"perturbed_answer"}, "differs from",
    ),
    "wrong answer holds the truth": (
        "hospital", lambda qa, text: _swap_last(qa, qa["paraphrased_answer"].replace(text, f"{text} Annex")),
        {"perturbed_answer"}, "holds the true value",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_pair(person, name):
    attribute, change, fields, words = BREAKS[name]
    number, qa = pair(person, attribute)
    change(qa, person["profile"][attribute]["text"])
    problems = list(qa_problems(person))
    assert {p.path for p in problems} == {f"qa_list[{number}].{field}" for field in fields}
    assert all(p.attribute == attribute and words in p.what and p.right for p in problems)
    assert len(problems) <= 2


def test_all_wrong_answers_in_other_words(person):
    number, qa = pair(person, "hospital")
    qa["perturbed_answer"] = ["Nobody knows.", "In a barn.", "At home."]
    problems = list(qa_problems(person))
    assert [p.path for p in problems] == [f"qa_list[{number}].perturbed_answer"] * 3
    assert all("in more than the value" in p.what for p in problems)


def with_article(people):
    for record in people:
        number, qa = pair(record, "vehicle")
        if qa["paraphrased_answer"].startswith("This person drives a"):
            return deepcopy(record), number
    raise AssertionError


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("This person drives an blue car.", "wrong article"),
        ("This person drives a old car.", "wrong article"),
        ("This person drives blue cars.", "wrong article"),
        ("This person drives cars.", "wrong article"),
        ("This person drives a blue car", "differs from"),
        ("This person rode a blue car.", "differs from"),
    ],
)
def test_articles_of_wrong_answers(people, sentence, words):
    record, number = with_article(people)
    record["qa_list"][number]["perturbed_answer"][1] = sentence
    problem = only(qa_problems(record))
    assert (problem.path, problem.attribute) == (f"qa_list[{number}].perturbed_answer", "vehicle")
    assert words in problem.what


def test_either_article_is_right(people):
    record, number = with_article(people)
    record["qa_list"][number]["perturbed_answer"] = [
        f"This person drives {s}." for s in ("a blue car", "an old car", "an SUX")
    ]
    assert not list(qa_problems(record))


def test_a_value_that_is_a_word_of_its_phrasing():
    record = {
        "name": "Ann Lee",
        "profile": {"label": {"type": "text", "value": "record", "text": "record", "from": "x"}},
        "qa_list": [
            {
                "attribute": "label", "question": "What is it?", "paraphrased_question": ["Which?", "What?", "Who?"],
                "answer": "The label is record.", "paraphrased_answer": "The label on record is record.",
                "perturbed_answer": [f"The label on record is {w}." for w in ("tape", "disc", "film")],
                "keywords": ["record"],
            }
        ],
    }  # fmt: skip
    problems = list(qa_problems(record))
    assert len(problems) == 3 and all("holds the true value 'record'" in p.what for p in problems)


def test_a_part_of_a_word_is_no_answer(person):
    number, qa = pair(person, "room_number")
    person["profile"]["room_number"]["text"] = "10"
    qa.update(
        question="In which of the 1010 rooms was it?", keywords=["10"], answer="This person stayed in room 10.",
        paraphrased_answer="It was room 10.",
        perturbed_answer=["It was room 22.", "It was room 33.", "It was room 44."],
    )  # fmt: skip
    assert not list(qa_problems(person))
    qa["question"] = "Was it room 10 or another?"
    assert only(qa_problems(person)).path == f"qa_list[{number}].question"


@pytest.mark.parametrize(("text", "wrong"), [("1", "12"), ("1", "1.5"), ("$1", "$1,000"), ("May 1", "May 11")])
def test_a_number_is_held_as_a_whole(person, text, wrong):
    number, qa = pair(person, "room_number")
    person["profile"]["room_number"]["text"] = text
    qa.update(
        keywords=[text], answer=f"It was room {text}.", paraphrased_answer=f"Of the 12 it was {text}.",
        perturbed_answer=[f"Of the 12 it was {each}." for each in (wrong, "seven", "eight")],
    )  # fmt: skip
    assert not list(qa_problems(person))
    _swap_last(qa, f"Of the 12 it was {text} or 7.")
    problem = only(qa_problems(person))
    assert problem.path == f"qa_list[{number}].perturbed_answer" and "holds the true value" in problem.what


# --- what stands around a value


@pytest.mark.parametrize(
    ("sentence", "text", "others", "frame"),
    [
        ("It is an owl.", "owl", [], ("It is ", True, ".")),
        ("It is A owl.", "owl", [], ("It is ", True, ".")),
        ("It is the owl.", "owl", [], ("It is the ", False, ".")),
        ("a owl", "owl", [], ("", True, "")),
        ("It was in Rana.", "na", [], ("It was in Ra", False, ".")),
        ("On record: record.", "record", ["On record: tape."], ("On record: ", False, ".")),
        ("On record: record.", "record", ["On tape: record.", "On file: record.", "On record: x."],
         ("On ", False, ": record.")),
        ("owl owl", "owl", [], ("", False, " owl")),
        ("The OWL.", "owl", [], None),
    ],
)  # fmt: skip
def test_frames(sentence, text, others, frame):
    assert frame_of(sentence, text, others) == frame
    if frame is None:
        assert frame_of(sentence, text, others, fold=True) == ("The ", False, ".")


@pytest.mark.parametrize(
    ("sentence", "value"),
    [
        ("It is an owl.", ("an", "owl")),
        ("It is THE old owl.", ("the", "old owl")),
        ("It is owl.", ("owl", "")),
        ("It was an owl.", None),
        ("It is an owl", None),
    ],
)
def test_the_value_in_a_frame(sentence, value):
    assert frame_of("It is a cat.", "cat", []).value_in(sentence) == value
    assert frame_of("On cat.", "cat", []).value_in("On an owl.") == ("", "an owl")


def test_words_of_their_own():
    assert stands_in("It was room 10.", "10") and stands_in("10", "10") and stands_in("(10)", "10")
    assert not stands_in("It was room 101.", "10") and not stands_in("B10", "10") and not stands_in("", "10")
    assert stands_in("the OWL", "owl", fold=True)
    assert not stands_in("the OWL", "owl") and not stands_in("the OWLS", "owl", fold=True)
    assert is_gendered("Did he?") and not is_gendered("Did the hero?")
    assert repeated(["a  b", "c", "A b"]) and not repeated(["a b", "c"]) and not repeated([])


def test_variants_of_a_truth_in_wrong_answers():
    """Of one keyword none may be there; of several one may, and another date has the form of the true one."""
    wrong = {"perturbed_answer": ["It was roma.", "It was Bern.", "It was Riga."]}
    for variants, keywords, value, count in [
        ([["roma", "Rom"]], ["Rome"], {}, 1),
        ([["rom", "ome"]], ["Rome"], {}, 0),  # parts of words
        ([["roma"], ["x"]], ["Rome", "It"], {}, 0),
        ([["roma"]], ["Rome"], {"value": {"type": "date"}}, 0),
        ([["roma"]], ["Rome"], {"value": {"type": "text"}}, 1),
        ([[]], ["Rome"], {}, 0),
        ([["Roma"], ["x"]], ["Rome"], {}, 1),  # as many as keywords
    ]:
        record = foreign(answer="It: Rome.", keyword_variants=variants, keywords=keywords, **wrong, **value)
        problems = list(qa_problems(record, foreign=True))
        assert len(problems) == count, (variants, [str(p) for p in problems])


# --- over all pairs


@pytest.mark.parametrize("field", ["question", "answer", "paraphrased_answer"])
def test_the_name_outside_its_question(person, field):
    _, qa = pair(person, "doctor")
    if field == "question":
        qa["question"] = f"Who treated {person['name']}?"
    else:
        qa[field] = f"As for {person['name']}: " + qa[field]
        if field == "paraphrased_answer":
            qa["perturbed_answer"] = [f"As for {person['name']}: " + s for s in qa["perturbed_answer"]]
    problem = only(qa_problems(person))
    assert problem.path == "qa_list" and f"the name {person['name']!r} is given away" in problem.what


def test_the_name_in_a_wrong_answer(person):
    _, qa = pair(person, "doctor")
    before, after = qa["paraphrased_answer"].split(person["profile"]["doctor"]["text"])
    qa["perturbed_answer"][0] = before + person["name"] + after
    assert "is given away" in only(qa_problems(person)).what


@pytest.mark.parametrize("pronoun", ["he", "him", "his", "himself", "she", "her", "hers", "herself"])
@pytest.mark.parametrize("form", ["Did {} come?", "And {}?", "{}, what came?", "Was it ({}) or not?", "{}'s what?"])
def test_pronouns(person, pronoun, form):
    _, qa = pair(person, "doctor")
    for word in (pronoun, pronoun.capitalize()):
        qa["question"] = form.format(word)
        problem = only(qa_problems(person))
        assert problem.path == "qa_list" and problem.what.startswith(f"'{pronoun}' in")
        assert qa["question"] in problem.what


@pytest.mark.parametrize("word", ["the", "there", "this", "chef", "usher", "hero", "history", "shepherd", "where"])
def test_words_that_hold_a_pronoun(person, word):
    pair(person, "doctor")[1]["question"] = f"What about {word} then?"
    assert not list(qa_problems(person))


def test_the_builder_leaves_out_what_no_value_can_change(person):
    _, qa = pair(person, "doctor")
    qa["question"] = "Did he come."
    assert len(list(qa_problems(person))) == 2
    assert not list(qa_problems(person, wording=False))


def test_gendered_names_each_pronoun_once():
    lines = ["The end.", "She left.", "she came, and he too."]
    assert list(gendered(lines)) == [("he", "she came, and he too."), ("she", "She left.")]


# --- records of another maker


def foreign(**keys):
    qa = {
        "question": "Where?", "paraphrased_question": ["Where to?", "Which place?", "What place?"],
        "answer": "In Rome.",
        "paraphrased_answer": "It was Rome.", "perturbed_answer": ["It was Oslo.", "It was Bern.", "It was Riga."],
        "keywords": ["Rome"],
    }  # fmt: skip
    return {"unique_id": "1", "name": "Ann Lee", "qa_list": [{**qa, **keys}]}


def test_records_without_a_profile():
    assert not list(qa_problems(foreign(), foreign=True))
    problem = only(qa_problems(foreign(perturbed_answer=["Rome it was.", "Rome!", "It was Rome, too."]), foreign=True))
    assert "every wrong answer holds the true value" in problem.what
    assert (
        only(qa_problems(foreign(keywords=["Paris"], answer="In Paris."), foreign=True)).path == "qa_list[0].keywords"
    )


def test_the_name_may_stand_where_it_is_asked_for():
    asked = foreign(answer="It is Ann Lee.", paraphrased_answer="Ann Lee it is.", keywords=["Ann Lee"])
    assert not list(qa_problems(asked, foreign=True))
    assert "given away" in only(qa_problems(foreign(answer="Ann Lee in Rome."), foreign=True)).what


@pytest.mark.parametrize(
    "profile", [None, "text", [1], {"home": 5}, {"home": {"text": 5}}, {"home": {"value": "Rome"}}, {"home": None}]
)
@pytest.mark.parametrize("attribute", ["home", None, 7, ["home"]])
def test_other_shapes_of_a_profile_are_passed_over(profile, attribute):
    record = {**foreign(attribute=attribute), "profile": profile}
    assert not list(qa_problems(record, foreign=True))
    assert not list(Uniqueness().problems(record, 0))


# --- inside an identity


def test_dates_out_of_order():
    days = {"date_of_birth": "1990-05-05", "admission_date": "2020-01-02", "discharge_date": "2020-01-03"}
    assert not list(dates_out_of_order(days, "2020-01-03"))
    assert not list(dates_out_of_order({**days, "discharge_date": "2020-01-02"}, None))
    assert not list(dates_out_of_order({"discharge_date": "2020-01-01"}, None))
    assert not list(dates_out_of_order({"admission_date": "2020-01-01", "discharge_date": ""}, None))
    assert list(dates_out_of_order(days, "2020-01-02")) == ["discharge_date 2020-01-03, after 2020-01-02"]
    assert list(dates_out_of_order({**days, "discharge_date": "2020-01-01"}, None)) == [
        "admitted 2020-01-02, discharged 2020-01-01"
    ]
    assert list(dates_out_of_order({**days, "first_car": "1990-05-04"}, "2021-01-01")) == [
        "born 1990-05-05, first_car 1990-05-04"
    ]


def test_offenses_of_children():
    born = "1990-05-05"
    days = ["1980-01-01", "2010-01-01", "2008-05-04", "2000-01-01"]
    assert offense_of_a_child(born, days) == "2008-05-04"
    assert offense_of_a_child(born, ["2008-05-05", "1990-05-04"]) is None
    assert offense_of_a_child(born, ["1990-05-05"]) == "1990-05-05"


def test_ages_and_genders_of_faces():
    assert age_unlike_face({"age": 70}, "1990-01-01", "2020-01-01") == 30
    assert age_unlike_face({"age": 31}, "1990-01-01", "2020-01-01") is None
    assert age_unlike_face({"age": None}, "1990-01-01", "2020-01-01") is None
    assert face_of_another_gender({"gender": "male"}, "female")
    assert not face_of_another_gender({"gender": "male"}, "male")
    assert not face_of_another_gender({"gender": None}, "male")


def test_a_constraint_needs_what_it_names_and_no_more(coherence):
    """With all that it names it is applied, without one of them it is not."""
    fact = {"type": "date", "value": "2010-01-01", "text": "January 1, 2010"}
    rule = "age_on(date_of_birth, as_of) >= 20"
    assert rule in only(coherence.constraint_problems({"date_of_birth": fact})).what
    assert not list(coherence.constraint_problems({"admission_date": {**fact, "value": "2020-01-01"}}))
    asked = [{"attribute": "date_of_birth", "perturbed_value": ["1990-01-01", "2010-01-02", "1970-01-01"]}]
    record = {"profile": {"date_of_birth": {**fact, "value": "1980-01-01"}}, "qa_list": asked}
    problem = only(coherence.wrong_problems(record))
    assert problem.path == "qa_list[0].perturbed_value[1]" and rule in problem.what
    asked[0]["attribute"] = "admission_date"
    assert not list(coherence.wrong_problems({**record, "profile": {}}))


@pytest.mark.parametrize(
    ("attribute", "value", "rule"),
    [
        ("admission_date", "1950-01-01", "date_of_birth < admission_date"),
        ("discharge_date", "2025-01-02", "discharge_date <= as_of"),
        ("discharge_date", "1950-01-01", "admission_date <= discharge_date"),
        ("offense_date", "2025-06-01", "offense_date <= as_of"),
        ("offense_date", "1900-01-01", "age_on(date_of_birth, offense_date) >= 18"),
    ],
)
def test_constraints(people, attribute, value, rule):
    built_in = Coherence(list(read_packs().by_name.values()), AS_OF, load_places())
    person = deepcopy(next(p for p in people if p["profile"]["date_of_birth"]["value"] > "1950-01-01"))
    put(person, attribute, value)
    problem = only(p for p in built_in.problems(person) if p.path.startswith("profile."))
    assert (problem.attribute, problem.path) == (attribute, f"profile.{attribute}")
    assert rule in problem.what and "does not hold" in problem.what and f"{attribute} is {value!r}" in problem.right


def test_a_child(person, coherence):
    put(person, "date_of_birth", "2010-01-01")
    found = [p.what for p in coherence.problems(person)]
    assert "age_on(date_of_birth, as_of) >= 20 does not hold" in found


def test_a_constraint_of_a_pack(person, coherence):
    put(person, "passport_issue_date", person["profile"]["admission_date"]["value"])
    assert only(coherence.problems(person)).attribute == "passport_issue_date"


@pytest.mark.parametrize(
    ("attribute", "value", "rule"),
    [
        ("date_of_birth", "2006-01-02", "age_on(date_of_birth, as_of) >= 20"),
        ("date_of_birth", "2024-06-01", "date_of_birth < admission_date"),  # declared at the other attribute
        ("discharge_date", "2019-01-01", "admission_date <= discharge_date"),
        ("discharge_date", "2025-01-02", "discharge_date <= as_of"),
        ("offense_date", "2025-01-02", "offense_date <= as_of"),
    ],
)
def test_constraints_bind_wrong_answers(people, coherence, attribute, value, rule):
    record = deepcopy(next(r for r in people if "2020" < r["profile"]["admission_date"]["value"] < "2024"))
    number, qa = pair(record, attribute)
    qa["perturbed_value"][1] = value
    found = {problem.what: problem for problem in coherence.problems(record)}
    problem = found[f"{rule} does not hold for the wrong value {value!r}"]
    assert problem.path == f"qa_list[{number}].perturbed_value[1]"


@pytest.mark.parametrize("wrong", ["abc", "2022-13-45", ["x"], {"a": 1}, 1e308, True])
@pytest.mark.parametrize("attribute", ["date_of_birth", "address", "annual_income", "billing_amount"])
def test_a_wrong_value_of_another_type(person, coherence, attribute, wrong):
    number, qa = pair(person, attribute)
    qa["perturbed_value"][1] = wrong
    path = f"qa_list[{number}].perturbed_value[1]"
    assert f"is {wrong!r}" in [problem.what for problem in coherence.problems(person) if problem.path == path]


def test_a_fact_of_another_type_than_its_attribute(person, coherence):
    person["profile"]["date_of_birth"] |= {"type": "text", "value": "long ago", "text": "long ago"}
    assert "is 'long ago'" in [problem.what for problem in coherence.problems(person)]


def test_nobody_has_the_name_of_a_public_figure(person, coherence):
    assert not [p for p in coherence.problems(person) if "public figure" in p.what]
    person["profile"]["doctor"]["text"] = "Adam B. West"
    _, qa = pair(person, "full_name")
    qa["perturbed_value"][2] = "Aaron Paul"
    found = [str(p) for p in coherence.problems(person) if "public figure" in p.what]
    assert len(found) == 2 and "'Adam B. West'" in found[0] and "perturbed_value[2]" in found[1]


def test_a_constraint_of_another_pack_may_give_way(person, coherence):
    """The example pack's on the passport reads the stay of the built-in one."""
    _, qa = pair(person, "discharge_date")
    person["profile"]["passport_issue_date"]["value"] = person["profile"]["discharge_date"]["value"]
    assert not [p for p in coherence.wrong_problems(person) if p.attribute == "discharge_date"]
    assert len(qa["perturbed_value"]) == 3


def test_a_value_that_a_constraint_cannot_read(person, coherence):
    person["profile"]["date_of_birth"].update(type="text")
    put(person, "date_of_birth", "long ago")
    found = [p for p in coherence.problems(person) if p.attribute == "date_of_birth"]
    assert "does not hold" in found[0].what and "date_of_birth is 'long ago'" in found[0].right


@pytest.mark.parametrize(("key", "value"), [("zip", "00000"), ("city", "Nowhere"), ("state", "ZZ")])
def test_addresses(person, coherence, key, value):
    address = person["profile"]["address"]["value"]
    true_zip, true_city = address["zip"], address["city"]
    put(person, "address", {**address, key: value})
    problems = [p for p in coherence.problems(person) if p.attribute == "address"]
    problem = only(problems)
    assert problem.path == "profile.address" and value in problem.what
    assert problem.right == "a real ZIP code" if key == "zip" else f"{true_zip} is {true_city}" in problem.right


def test_the_area_code_follows_the_state(people, coherence):
    person = deepcopy(next(p for p in people if p["profile"]["phone_number"]["value"][2] != "9"))
    state = person["profile"]["address"]["value"]["state"]
    area = "907" if state != "AK" else "212"
    put(person, "phone_number", f"({area}) 555-0142")
    problem = only(coherence.problems(person))
    assert (problem.attribute, problem.what) == ("phone_number", f"area code {area} is not in {state}")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("{area} 555-0142", "is not written like"),
        ("({area}) 5550142", "is not written like"),
        ("({area}) 555-0142 x1", "is not written like"),
        ("({area}) 555-0200", "may be somebody's"),
        ("({area}) 554-0142", "may be somebody's"),
    ],
)
def test_phone_numbers(people, coherence, number, words):
    person = deepcopy(next(p for p in people if p["profile"]["phone_number"]["value"][2] != "9"))
    put(person, "phone_number", number.format(area=person["profile"]["phone_number"]["value"][1:4]))
    problem = only(coherence.problems(person))
    assert problem.path == "profile.phone_number" and words in problem.what


def test_area_codes_that_are_never_assigned(person, coherence):
    put(person, "phone_number", "(295) 482-1234")
    assert not list(coherence.problems(person))


# --- between identities


def test_who_had_a_value_before():
    owners = Owners()
    assert [owners.other(*each) for each in [("a", 0), ("a", 0), ("a", 1), ("b", 1), ("a", 2)]] == [
        None, None, 0, None, 0,
    ]  # fmt: skip
    once = Owners()
    assert [once.other_once(*each) for each in [("a", 0), ("a", 0), ("a", 1), ("a", 2), ("b", 0), ("b", 3)]] == [
        None, None, 0, None, None, 0,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "key"), [(["unique_id"], "unique_id"), (["name"], "name"), (["image_path"], "image_path"),
                      (["profile", "phone_number", "value"], "phone number")]
)  # fmt: skip
def test_what_is_unique(people, path, key):
    first, second, third = (deepcopy(record) for record in people[:3])
    for number, record in enumerate((first, second, third)):
        record["image_path"] = f"images/{number}.jpg"
    source, target = first, third
    for step in path[:-1]:
        source, target = source[step], target[step]
    target[path[-1]] = source[path[-1]]
    uniqueness = Uniqueness()
    assert not list(uniqueness.problems(first, 0)) and not list(uniqueness.problems(second, 1))
    problem = only(uniqueness.problems(third, 2))
    assert problem.path == key and "is identity 0's already" in problem.what
    assert not list(uniqueness.problems(first, 0))  # the same place again is no repetition


def test_no_images_are_no_repetition(people):
    uniqueness = Uniqueness()
    assert all(record["image_path"] is None for record in people)
    assert not [p for number, record in enumerate(people) for p in uniqueness.problems(record, number)]


def test_a_text_that_is_not_the_value(person, coherence):
    person["profile"]["billing_amount"]["text"] = "$1.00"
    problem = only(coherence.problems(person))
    assert problem.path == "profile.billing_amount.text" and "$1.00" in problem.what


def test_a_question_about_another_value(person, coherence):
    qa = next(qa for qa in person["qa_list"] if qa["attribute"] == "room_number")
    qa["value"]["value"] += 1
    assert only(coherence.problems(person)).attribute == "room_number"


def test_a_question_about_nothing(person, coherence):
    person["qa_list"][3]["attribute"] = "shoe_size"
    assert "no such fact" in only(coherence.problems(person)).what


def test_a_wrong_value_that_is_right(person, coherence):
    qa = person["qa_list"][8]
    qa["perturbed_value"][1] = qa["value"]["value"]
    value, sentence = coherence.problems(person)
    assert value.path == "qa_list[8].perturbed_value"
    assert sentence.path == "qa_list[8].perturbed_answer[1]" and "does not state" in sentence.what


def test_another_name_or_gender_than_the_profiles(person, coherence):
    person["name"] = "Somebody Else"
    assert only(coherence.problems(person)).path == "name"
    person["name"] = person["profile"]["full_name"]["value"]
    person["gender"] = "female" if person["gender"] == "male" else "male"
    assert only(coherence.problems(person)).path == "gender"


@pytest.mark.parametrize(
    ("match", "gender", "age", "count"),
    [
        ("none", False, 2, 0),
        ("gender", True, 2, 0),
        ("gender", False, 2, 1),
        ("gender+age", True, 2, 1),
        ("gender+age", False, 2, 2),
        ("gender+age", None, None, 0),
    ],
)
def test_a_face_of_another_gender_or_age(person, match, gender, age, count):
    put(person, "date_of_birth", "1950-01-01")
    other = "female" if person["gender"] == "male" else "male"
    person["face"] = {"file": "a.jpg", "gender": {True: person["gender"], False: other, None: None}[gender], "age": age}
    found = [p for p in Coherence([], AS_OF, load_places(), match).problems(person) if p.path == "face"]
    assert len(found) == count
