import re
from copy import deepcopy
from pathlib import Path

import pytest
import yaml
from fiubench.builder.config import make_config
from fiubench.builder.packs.attributes import built_in, combine, packs_of, read_packs
from fiubench.builder.packs.expressions import FUNCTIONS
from fiubench.builder.packs.model import BUILT_IN, placeholders
from fiubench.builder.packs.parse import parse_pack
from fiubench.builder.pipeline.build import records
from fiubench.builder.rules.pair import gendered
from fiubench.raw_sources.source import SOURCES
from fiubench.schemas import load
from fiubench.support.draws import integers
from fiubench.support.errors import PackError

ROOT = Path(__file__).resolve().parents[3]
GUIDE = (ROOT / "docs" / "attributes.md").read_text(encoding="utf-8")


def refused(files, *words):
    """The error of packs that can't be read; each of ``words`` stands in its message."""
    with pytest.raises(PackError) as told:
        read_packs(files)
    for word in words:
        assert word in str(told.value)
    return told.value


# --- what ships


def test_the_built_in_pack_asks_twenty_questions_and_keeps_five():
    attributes = read_packs()
    assert [a.name for a in attributes.asked()] == [
        "full_name", "date_of_birth", "address", "phone_number", "occupation", "annual_income", "blood_type",
        "medical_condition", "admission_date", "discharge_date", "doctor", "hospital", "insurance_provider",
        "billing_amount", "room_number", "medication", "test_results", "offense", "complaint_number", "offense_date",
    ]  # fmt: skip
    reserve = [a.name for a in attributes.asked(25)[20:]]
    assert reserve == ["email", "admission_type", "law_category", "premises", "second_language"]
    assert [a.name for a in attributes.asked(3)] == ["full_name", "date_of_birth", "address"]


def test_too_many_questions(example_pack):
    with pytest.raises(PackError, match="26 questions are asked for, and the built-in pack has 25"):
        read_packs([example_pack]).asked(26)


def test_own_questions_come_on_top(example_pack):
    asked = [a.name for a in read_packs([example_pack]).asked(1)]
    own = ["passport_number", "passport_issue_date", "vehicle", "license_plate", "employer", "time_with_employer"]
    assert asked == ["full_name", *own]
    assert [a.name for a in read_packs([example_pack]).asked(0)] == own


def test_no_question_at_all():
    with pytest.raises(PackError, match="nobody is asked anything"):
        read_packs().asked(0)


@pytest.mark.parametrize("pack", [BUILT_IN, "travel-and-work"])
def test_shipped_phrasings_read_well(example_pack, pack):
    packs = {p.name: p for p in read_packs([example_pack]).packs}
    seen = set()
    for attribute in packs[pack].attributes:
        for phrasing in (*attribute.questions, *attribute.answers):
            assert phrasing[0].isupper() and "  " not in phrasing and phrasing == phrasing.strip()
            assert not list(gendered([phrasing]))
            assert phrasing not in seen, f"{phrasing!r} stands under two attributes"
            seen.add(phrasing)


def test_shipped_captions_use_every_asked_fact(example_pack):
    for pack in read_packs([example_pack]).packs:
        asked = {a.name for a in pack.attributes if a.asked and not a.reserve}
        used = [{name for _, name in placeholders(wording)} for paragraph in pack.caption for wording in paragraph]
        assert asked <= set().union(*used)
        for paragraph in pack.caption:
            assert len({frozenset({n for _, n in placeholders(w)} & asked) for w in paragraph}) == 1


# --- the guide


def blocks():
    return re.findall(r"^```yaml\n(.*?)^```", GUIDE, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", blocks(), ids=lambda text: text.split("\n")[0])
def test_packs_of_the_guide_work(tmp_path, text):
    file = tmp_path / "pack.yaml"
    file.write_text(text)
    own = [a for a in read_packs([file]).asked() if a.pack != BUILT_IN]
    met = set()
    for record in records(make_config({"faces": "none", "attributes": [str(file)]}), stop=50):
        asked = [qa["attribute"] for qa in record["qa_list"]][20:]
        assert asked == [a.name for a in own if not a.tied or a.name in record["profile"]]
        met |= {*asked}
    assert met == {a.name for a in own}


def test_the_guide_names_everything():
    assert len(blocks()) >= 3
    schema = load("attribute_pack")
    attribute = schema["$defs"]["attribute"]["properties"]
    words = [*schema["properties"], *attribute, *attribute["perturb"]["properties"], *FUNCTIONS]
    words += [*attribute["generate"]["properties"], *attribute["type"]["enum"]]
    words += [column for source in SOURCES.values() for column in source.columns]
    words += [name for name, source in SOURCES.items() if source.columns]
    assert [word for word in words if not re.search(rf"`[^`\n]*\b{word}\b[^`\n]*`", GUIDE)] == []


def test_columns_of_the_guide_have_their_types():
    for name, source in SOURCES.items():
        row = next((line for line in GUIDE.split("\n") if line.startswith(f"| `{name}` |")), "")
        told = {}
        for columns, kind in re.findall(r"((?:`\w+`\s*)+)\((\w+)\)", row):
            told |= dict.fromkeys(re.findall(r"`(\w+)`", columns), kind)
        assert told == dict(source.columns)


# --- names that don't exist


@pytest.mark.parametrize(
    ("keys", "what", "hint"),
    [
        ({"from": "helth.blood_type", "type": "enum"}, "unknown source 'helth'", "Did you mean 'health'?"),
        ({"from": "health.bloodtype", "type": "enum"}, "has no column 'bloodtype'", "Did you mean 'blood_type'?"),
        ({"from": "health.xyz", "type": "enum"}, "has no column 'xyz'", "Known: admission_date, "),
        ({"from": "health.blood_type", "type": "text"}, "holds enum, not text", "Write `type: enum`."),
        ({"compute": "blod_type + 'x'"}, "value: unknown fact 'blod_type'", "Did you mean 'blood_type'?"),
        ({"from": "addresses.city", "constraints": ["adress != thing"]}, "constraints: unknown fact 'adress'",
         "Did you mean 'address'?"),
        ({"from": "addresses.city", "perturb": {"within": "gendre"}}, "perturb.within: unknown fact 'gendre'",
         "Did you mean 'gender'?"),
        ({"type": "date", "generate": {"date": {"from": "date_of_brith", "to": "as_of"}}},
         "value: unknown fact 'date_of_brith'", "Did you mean 'date_of_birth'?"),
        ({"from": "addresses.city", "caption": "The {thin} is here."}, "thing.caption: unknown fact 'thin'",
         "Did you mean 'thing'?"),
    ],
)  # fmt: skip
def test_unknown_names(attribute, write_pack, keys, what, hint):
    error = refused([write_pack(attribute(**keys))], what, hint, "mine.yaml")
    assert hint in error.hint


def test_unknown_fact_in_the_caption(attribute, write_pack):
    pack = write_pack(attribute(**{"from": "addresses.city"}), caption=[["{given_nam} lives in {thing}."]])
    refused([pack], "caption: unknown fact 'given_nam'", "Did you mean 'given_name'?", "mine.yaml")


@pytest.mark.parametrize("wording", ["{thing", "thing}", "{Thing}", "{an thing}", "{}", "{thing!r}", "{thing.real}"])
def test_braces_of_a_caption(attribute, write_pack, wording):
    pack = write_pack(attribute(**{"from": "addresses.city"}), caption=[[f"Here is {wording} for you."]])
    refused([pack], "a brace without a fact", "mine.yaml")


@pytest.mark.parametrize(
    ("expressions", "path"),
    [
        ({"a": "a + 1"}, "a -> a"),
        ({"a": "b", "b": "a"}, "a -> b -> a"),
        ({"a": "1 + b", "b": "c", "c": "a"}, "a -> b -> c -> a"),
    ],
)
def test_circles(attribute, write_pack, expressions, path):
    entries = [attribute(name, asked=False, type="integer", compute=e) for name, e in expressions.items()]
    error = refused([write_pack(*entries)], "circle", "mine.yaml")
    circle = error.what.split(": ")[1].split(" -> ")
    assert circle[0] == circle[-1]
    expected = path.split(" -> ")[:-1]
    assert sorted(circle[1:]) == sorted(expected)


def test_a_circle_through_a_constraint(attribute, write_pack):
    a = attribute("a", asked=False, type="integer", generate={"integer": {"min": 1, "max": 9}}, constraints=["a < b"])
    b = attribute("b", asked=False, type="integer", compute="a + 1")
    refused([write_pack(a, b)], "circle")


def test_order_in_the_file_does_not_matter(attribute, write_pack):
    last = attribute("last", asked=False, type="integer", compute="first + 1")
    first = attribute("first", asked=False, type="integer", generate={"integer": {"min": 1, "max": 9}})
    order = read_packs([write_pack(last, first)]).order
    assert order.index("first") < order.index("last")


# --- names that exist twice


def test_names_taken_twice(attribute, write_pack):
    city = attribute(**{"from": "addresses.city"})
    one, two = write_pack(city, name="one"), write_pack(city, name="two")
    refused([one, two], "'thing' is declared by the one pack already", "two.yaml")
    refused([write_pack(city, city)], "'thing' is declared by the mine pack already", "mine.yaml")
    refused([one, one], "two packs are called 'one'", "one.yaml")
    refused([write_pack({**city, "name": "doctor"})], "'doctor' is declared by the built-in pack already")
    refused([write_pack({**city, "name": "as_of"})], "'as_of' is declared by every build already")
    refused([write_pack(city, name="built-in")], "two packs are called 'built-in'")


# --- the schema


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"nmae": "x"}, ["'nmae' was unexpected", "Did you mean 'name'?"]),
        ({"type": "datum"}, ["attributes[0].type", "datum"]),
        ({"type": None}, ["attributes[0].type"]),
        ({"name": "Big Name"}, ["attributes[0].name", "Big Name"]),
        ({"sensitivity": "huge"}, ["attributes[0].sensitivity"]),
        ({"compute": "1"}, ["Give exactly one of `from`, `choose`, `generate`, `compute`, `through`."]),
        ({"from": "health"}, ["attributes[0].from"]),
        ({"questions": ["What is it?"] * 4}, ["attributes[0].questions"]),
        ({"questions": ["What is this?", "Which is this?", "Is it this?"]}, ["attributes[0].questions"]),
        ({"questions": ["What is this?", "Which is this?", "Is it this?", "Tell me this."]},
         ["attributes[0].questions[3]", "A question ends in a question mark and holds no placeholder."]),
        ({"questions": ["What is this?", "Which is this?", "Is it this?", "Is it {value}?"]},
         ["attributes[0].questions[3]", "holds no placeholder"]),
        ({"answers": ["It is {value}."]}, ["attributes[0].answers"]),
        ({"answers": ["It is {value}.", "It is nothing."]},
         ["attributes[0].answers[1]", "An answer is a sentence with {value} (or {a value}) once"]),
        ({"answers": ["It is {value}.", "It is {value} or {value}."]}, ["attributes[0].answers[1]"]),
        ({"answers": ["It is {value}.", "It is {thing}."]}, ["attributes[0].answers[1]"]),
        ({"answers": ["It is {value}.", "It is {an value}."]}, ["no article 'an'", "{a value}"]),
        ({"answers": ["It is {value}.", "It is {value}"]}, ["attributes[0].answers[1]", "ending in a full stop"]),
        ({"answers": ["It is {value}.", "It is {value}} now."]}, ["attributes[0].answers[1]"]),
        ({"perturb": {"extr": ["x"]}}, ["'extr' was unexpected", "Did you mean 'extra'?"]),
        ({"perturb": {"days": [2, 5]}}, ["'days' was unexpected", "Known: distance, extra, within."]),
        ({"perturb": {"distance": "close"}}, ["attributes[0].perturb.distance", "close"]),
        ({"perturb": {"distance": [1, 5]}}, ["attributes[0].perturb.distance"]),
        ({"keywords": "all"}, ["attributes[0].keywords"]),
        ({"variants": {}}, ["attributes[0].variants"]),
        ({"variants": {"x": "y"}}, ["attributes[0].variants.x"]),
        ({"cents": "no"}, ["attributes[0].cents"]),
    ],
)  # fmt: skip
def test_what_the_schema_refuses(attribute, write_pack, change, words):
    entry = {**attribute(**{"from": "addresses.city"}), **change}
    refused([write_pack(entry)], "mine.yaml", *words)


@pytest.mark.parametrize("missing", ["name", "category", "type", "from", "answers", "sensitivity"])
def test_what_the_schema_requires(attribute, write_pack, missing):
    entry = attribute(**{"from": "addresses.city"})
    del entry[missing]
    refused([write_pack(entry)], "mine.yaml", "compute" if missing == "from" else missing)


def test_the_attribute_is_named(attribute, write_pack):
    good, bad = attribute("good", **{"from": "addresses.city"}), attribute("bad", **{"from": "addresses.city"})
    error = refused([write_pack(good, {**bad, "sensitivity": "huge"})])
    assert error.where.endswith("mine.yaml: bad (line 22)")
    del bad["name"]
    assert refused([write_pack(good, bad)]).where.endswith("mine.yaml: attribute 2 (line 21)")


@pytest.mark.parametrize(
    ("generate", "hint"),
    [
        ({"interger": {"min": 1, "max": 2}}, "Did you mean 'integer'?"),
        ({"integer": {"min": 1, "max": 2, "maxx": 3}}, "Did you mean 'max'?"),
        ({"date": {"from": "as_of", "to": "as_of", "until": "as_of"}}, "Known: from, to."),
    ],
)
def test_a_typo_is_compared_with_the_keys_of_its_place(attribute, write_pack, generate, hint):
    refused([write_pack(attribute(type="integer", generate=generate))], "unexpected", hint)


@pytest.mark.parametrize(
    "document", ["", "just text", "- a\n- b", "pack: x", "attributes: []", "pack: x\nattributes: []"]
)
def test_what_is_no_pack(tmp_path, document):
    file = tmp_path / "mine.yaml"
    file.write_text(document)
    refused([file], "mine.yaml")


# --- YAML


def test_words_that_yaml_takes_for_truth_values(write_pack, tmp_path):
    file = tmp_path / "mine.yaml"
    for values in ("[no, yes, maybe]", "[1990, 1991, 1992]"):
        file.write_text(f"pack: mine\nattributes:\n- {{name: a, category: own, type: enum, choose: {values}}}\n")
        refused([file], "mine.yaml: a", "attributes[0].choose", "put such words in quotes")
    file.write_text("pack: mine\nattributes:\n- {name: a, category: own, type: enum, choose: {no: 1, yes: 2}}\n")
    refused([file], "line 3", "key False must be text: put it in quotes")
    file.write_text("pack: mine\nattributes:\n- {name: on, category: own, type: enum, choose: [a, b]}\n")
    refused([file], "attributes[0].name", "put such words in quotes")


def test_repeated_keys(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("pack: mine\nattributes:\n- name: a\n  type: enum\n  type: text\n")
    refused([file], "mine.yaml, line 5, column 3", "key 'type' stands twice")


def test_an_alias_bomb(tmp_path):
    file = tmp_path / "mine.yaml"
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    file.write_text("\n".join(lines))
    refused([file], "line 2", "aliases (*name) are not allowed")


def test_a_missing_file(tmp_path):
    refused([tmp_path / "nowhere.yaml"], "nowhere.yaml", "no such file")


# --- what a schema can't say


@pytest.mark.parametrize(
    "word", ["he", "his", "Her", "himself", "she's", "man", "Women", "lady", "girl", "Mr", "Mrs.", "Miss"]
)
def test_words_that_tell_the_gender(attribute, write_pack, word):
    entry = attribute(**{"from": "addresses.city"})
    question = {**entry, "questions": [*entry["questions"], f"Where does {word} live now?"]}
    answer = {**entry, "answers": [*entry["answers"], f"Here {word} lives: {{value}}."]}
    for broken in (question, answer):
        refused([write_pack(broken)], "gives the gender away", repr(word.rstrip(".").removesuffix("'s")), "this person")


@pytest.mark.parametrize("word", ["the", "this", "here", "there", "humans", "chess", "manager", "history", "misses"])
def test_words_that_tell_none(attribute, write_pack, word):
    entry = attribute(**{"from": "addresses.city"})
    read_packs([write_pack({**entry, "questions": [*entry["questions"], f"What about {word} in it?"]})])


def test_an_answer_begins_with_a_word(attribute, write_pack):
    entry = attribute(**{"from": "addresses.city"})
    pack = write_pack({**entry, "answers": [*entry["answers"], "{value} is the thing."]})
    refused([pack], "begins with the value", "keeps its own capitals")


@pytest.mark.parametrize(
    ("kind", "generate", "words"),
    [
        ("text", {"integer": {"min": 1, "max": 2}}, ["makes integer, not text", "Write `type: integer`."]),
        ("date", {"code": "AA"}, ["makes code, not date"]),
        ("code", {"words": {"template": "x{a}", "a": ["b", "c"]}}, ["makes text or name or enum, not code"]),
        ("integer", {"integer": {"min": 3, "max": 2}}, ["max 2 is less than min 3"]),
        ("money", {"money": {"min": 3, "max": 2}}, ["max 2 is less than min 3"]),
        ("integer", {"integer": {"min": 0, "max": 10**11}}, ["more than 4,294,967,296 values"]),
        ("money", {"money": {"min": 0, "max": 10**9}}, ["more than 4,294,967,296 values", "larger `step`"]),
        ("integer", {"integer": {"min": 0, "max": 10**30}}, ["attributes[0].generate.integer.max"]),
        ("text", {"words": {"template": "{a} {b}", "a": ["b", "c"]}}, ["template's {b} has no list", "Add `b: [..]`"]),
        ("text", {"words": {"template": "{a}", "a": ["b", "c"], "b": ["d", "e"]}}, ["the template has no {b}"]),
        (
            "text",
            {"words": {"template": "{a}{b}", "unique": True, "a": ["star", "starling"], "b": ["ling", "x"]}},
            ["'a' may read alike in two texts: 'star' begins 'starling'", "Put a sign behind {a}"],
        ),
        ("text", {"words": {"template": "{template}"}}, ["template's {template} has no list"]),
        ("text", {"words": {"template": "{a} {Big}", "a": ["b", "c"]}}, ["a brace that is no placeholder"]),
        ("text", {"words": {"template": "{a}", "a": ["b", "{a}"]}}, ["a brace that is no placeholder"]),
        ("date", {"date": {"from": "1 +", "to": "as_of"}}, ["generate.date.from", "is not valid"]),
    ],
)
def test_generators(attribute, write_pack, kind, generate, words):
    refused([write_pack(attribute(type=kind, asked=False, generate=generate))], "mine.yaml: thing", *words)


@pytest.mark.parametrize(
    ("kind", "column"),
    [
        ("enum", "health.blood_type"),
        ("code", "addresses.zip"),
        ("phone", "person.phone_number"),
        ("address", "addresses.address"),
    ],
)
def test_a_distance_of_what_has_no_order(attribute, write_pack, kind, column):
    pack = write_pack(attribute(type=kind, perturb={"distance": "near"}, **{"from": column}))
    refused(
        [pack], f"perturb.distance does nothing for the type {kind}, whose values have no order", "mine.yaml: thing"
    )


@pytest.mark.parametrize(
    ("kind", "column"),
    [("date", "health.admission_date"), ("money", "careers.annual_income"), ("integer", "health.room_number")],
)
def test_a_distance_of_what_is_near_or_far(attribute, write_pack, kind, column):
    pack = write_pack(attribute(type=kind, perturb={"distance": "near"}, **{"from": column}))
    assert read_packs([pack]).by_name["thing"].perturb.distance == "near"


def test_a_distance_of_what_is_drawn_again(attribute, write_pack):
    near = {"type": "integer", "perturb": {"distance": "near"}}
    refused([write_pack(attribute(choose={"10": 1, "20": 3}, **near))], "does nothing for `choose`", "mine.yaml: thing")
    start = attribute("start", asked=False, type="date", generate={"date": {"from": "date_of_birth", "to": "as_of"}})
    years = attribute("years", asked=False, type="integer", compute="age_on(start, as_of)")
    pack = write_pack(start, years, attribute(compute="years * 12", **near))
    refused([pack], "computed from generated or chosen facts (start)", "mine.yaml: thing", "Leave `distance` out")
    pack = write_pack(attribute(compute="days_between(date_of_birth, as_of)", **near))
    assert read_packs([pack]).by_name["thing"].perturb.distance == "near"


def test_other_contradictions(attribute, write_pack):
    dates = {"type": "date", "from": "health.admission_date"}
    numbers = {"type": "integer", "generate": {"integer": {"min": 1, "max": 9}}}
    refused([write_pack(attribute(**numbers, keywords="parts"))], "`keywords: parts` does nothing for the type integer")
    for variants in ({"x": ["* x"]}, {"* x *": ["x *"]}, {"* x": ["* *"]}):
        refused(
            [write_pack(attribute(type="enum", choose=["x", "y"], variants=variants))],
            "has a * too many",
            "at most one in each variant",
        )
    refused([write_pack(attribute(compute="1 +"))], "mine.yaml: thing: compute", "is not valid")
    refused([write_pack(attribute(**dates, constraints=["thing.year"]))], "mine.yaml: thing: constraints", "Attribute")


# --- content and digests


def test_comments_and_layout_do_not_count(example_pack, tmp_path):
    copy = tmp_path / "other.yaml"
    copy.write_text(yaml.safe_dump(yaml.safe_load(example_pack.read_text()), sort_keys=True))
    one, two = (read_packs([file]).packs[1] for file in (example_pack, copy))
    assert one.sha256 == two.sha256
    document = deepcopy(one.document)
    document["attributes"][-1]["questions"].reverse()
    assert parse_pack(document, "x").sha256 != one.sha256


def test_a_pack_survives_its_way_through_a_manifest(example_pack):
    packs = read_packs([example_pack])
    again = combine([parse_pack(pack.document, pack.file) for pack in packs.packs])
    assert [a.name for a in again.by_name.values()] == [a.name for a in packs.by_name.values()]
    assert again.order == packs.order


def mutants(document, count):
    """Copies of a document, each with one place changed to something else."""
    places = []

    def walk(value, path):
        places.append(path)
        children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, child in children:
            walk(child, (*path, key))

    walk(document, ())
    things = [
        None,
        True,
        0,
        -1,
        1.5,
        10**30,
        "",
        "x",
        "{",
        "{value}",
        "1 +",
        [],
        ["x"],
        {},
        {"x": 1},
        "as_of",
        float("nan"),
    ]
    for place, thing in zip(
        integers(1, "place", range(count), len(places)).tolist(),
        integers(1, "thing", range(count), len(things) + 1).tolist(),
        strict=True,
    ):
        copy, path = deepcopy(document), places[place]
        if not path:
            continue
        holder = copy
        for step in path[:-1]:
            holder = holder[step]
        if thing == len(things):
            del holder[path[-1]]
        else:
            holder[path[-1]] = things[thing]
        yield copy


def test_no_change_of_a_pack_ends_in_anything_but_a_message(example_pack):
    document = yaml.safe_load(example_pack.read_text())
    builtin, fine = built_in(), 0
    for mutant in mutants(document, 600):
        try:
            pack = parse_pack(mutant, "mine.yaml")
            combine([builtin, pack]).asked()
            assert len(pack.sha256) == 64
            fine += 1
        except PackError as error:
            assert error.where
    assert 20 < fine < 400


def test_datasets_of_earlier_versions_are_read():
    """Their packs have distances in days and percent, which a pack may have no more."""
    document = deepcopy(built_in().document)
    for entry in document["attributes"]:
        if entry["type"] == "date":
            entry["perturb"] = {"days": [2, 60], "not_after": "as_of"}
    with pytest.raises(PackError, match="days"):
        parse_pack(document, "builtin.yaml")
    packs = packs_of({"packs": [{"content": document, "file": "builtin.yaml"}]})
    assert packs.by_name["admission_date"].perturb.distance is None
