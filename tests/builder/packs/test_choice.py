"""Choices: from the user's file, from Faker, by another fact; what is read once stands in the manifest."""

import json
import shutil

import pytest
from fiubench.builder.config import make_config
from fiubench.builder.packs.attributes import packs_of, read_packs
from fiubench.builder.packs.choice import Choice
from fiubench.builder.pipeline.build import build
from fiubench.builder.pipeline.verify import verify
from fiubench.support.errors import PackError

CARS = "model,sold,district\n Golf ,3,north\nCorsa,2.5,north\nClio,4,south\nGolf,2,south\n,9,south\nPolo,1,north\n"
TEXT = {"faces": "none", "identities": 40, "holdout": 0, "ratios": [50]}


@pytest.fixture
def cars(tmp_path):
    (tmp_path / "cars.csv").write_text(CARS)
    return tmp_path


def choice_of(pack):
    choice = read_packs([pack]).by_name["thing"].origin.options
    assert isinstance(choice, Choice)
    return choice


def test_values_of_a_column_are_as_likely_as_they_are_frequent(attribute, write_pack, cars):
    choice = choice_of(write_pack(attribute(type="enum", choose={"file": "cars.csv", "column": "model"})))
    assert choice.groups == ((["Clio", "Corsa", "Golf", "Polo"], [1, 1, 2, 1]),)


def test_weights_and_cases_of_other_columns(attribute, write_pack, cars):
    options = {"file": "cars.csv", "column": "Model", "weights": "sold"}
    weighted = choice_of(write_pack(attribute(type="enum", choose=options)))
    assert weighted.groups == ((["Clio", "Corsa", "Golf", "Polo"], [4, 2.5, 5, 1]),)
    by = {**options, "by": "'north' if gender == 'male' else 'south'", "cases": "district"}
    cased = choice_of(write_pack(attribute(type="enum", choose=by)))
    assert cased.cases == ("north", "south")
    assert cased.groups == ((["Corsa", "Golf", "Polo"], [2.5, 3, 1]), (["Clio", "Golf"], [4, 2]))


def test_values_of_a_file_are_of_the_attributes_type(attribute, write_pack, tmp_path):
    (tmp_path / "sizes.csv").write_text("size\n36\n37.5\n38\n39\n40\n")
    asked = {"file": "sizes.csv", "column": "size"}
    choice = choice_of(write_pack(attribute(type="decimal", choose=asked)))
    assert choice.groups[0][0] == [36, 37.5, 38, 39, 40]
    document = read_packs([write_pack(attribute(type="decimal", choose=asked))]).packs[1].document
    again = packs_of({"packs": [{"file": "x", "content": document}]}).by_name["thing"]
    assert again.origin.options.groups == choice.groups


def test_a_dataset_needs_the_file_no_more(attribute, write_pack, cars, tmp_path):
    pack = write_pack(attribute(type="enum", choose={"file": "cars.csv", "column": "model", "weights": "sold"}))
    build(make_config({**TEXT, "attributes": [str(pack)]}), tmp_path / "out")
    shutil.rmtree(tmp_path / "out" / "release")  # what a release is like is tried elsewhere
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    choose = manifest["packs"][1]["content"]["attributes"][0]["choose"]
    assert choose["values"] == {"Clio": 4, "Corsa": 2.5, "Golf": 5, "Polo": 1}
    assert choose["rows"] == {"kept": 5, "read": 6}
    assert len(choose["sha256"]) == 64 and choose["file"] == "cars.csv"
    (cars / "cars.csv").unlink()
    pack.unlink()
    assert not [line for line in verify(tmp_path / "out") if not line.startswith("release")]
    choose["values"]["Golf"] = 6
    (tmp_path / "out" / "manifest.json").write_text(json.dumps(manifest))
    assert any("packs" in line for line in verify(tmp_path / "out"))


@pytest.mark.parametrize(
    "values",
    [{"a": {"x": 1, "y": 2}}, {"a": 1, "b": {"x": 1}}, {}, {"a": "1", "b": 2}, {"a": -1, "b": 2}, {"a": {}, "b": 1}],
)
def test_values_of_a_manifest_that_can_not_be(attribute, write_pack, values):
    """Whoever pulls a dataset reads what somebody else wrote."""
    choose = {"file": "cars.csv", "column": "model", "values": values}
    content = {"pack": "mine", "attributes": [attribute(type="enum", choose=choose)]}
    with pytest.raises(PackError):
        packs_of({"packs": [{"file": "mine.yaml", "content": content}]})


def test_another_file_makes_another_dataset(attribute, write_pack, cars):
    pack = write_pack(attribute(type="enum", choose={"file": "cars.csv", "column": "model"}))
    one = read_packs([pack]).packs[1].sha256
    (cars / "cars.csv").write_text(CARS.replace("Clio", "Lupo"))
    assert read_packs([pack]).packs[1].sha256 != one


@pytest.mark.parametrize(
    ("content", "options", "what"),
    [
        (CARS, {"column": "modell"}, "cars.csv: no column 'modell'"),
        (CARS, {"column": "model", "weights": "model"}, "no decimal that can be used"),
        (CARS.replace("2.5", "-2"), {"column": "model", "weights": "sold"}, "sold: a weight of -2"),
        ("model\nGolf\nGolf\n", {"column": "model"}, "1 different values"),
        (
            "model,sold\nGolf,999999999\nGolf,999999999\nPolo,1\n",
            {"column": "model", "weights": "sold"},
            "weighs 2e+09",
        ),
        ("model\n" + "".join(f"m{i}\n" for i in range(20_001)), {"column": "model"}, "20001 different values"),
        ("\x00\x01", {"column": "model"}, "cars.csv"),
        (CARS, {"column": "model", "by": "gender"}, "cases"),
        (CARS, {"column": "model", "wieghts": "sold"}, "Did you mean 'weights'?"),
    ],
)
def test_files_that_are_of_no_use(attribute, write_pack, tmp_path, content, options, what):
    (tmp_path / "cars.csv").write_text(content)
    with pytest.raises(PackError) as told:
        read_packs([write_pack(attribute(type="enum", choose={"file": "cars.csv", **options}))])
    assert what in str(told.value) and "mine.yaml: thing" in told.value.where and "(line " in told.value.where


def test_words_that_are_called_as_the_keys_are(attribute, write_pack):
    choice = choice_of(write_pack(attribute(type="enum", choose={"file": 3, "column": 1, "by": 2, "faker": 1})))
    assert choice.groups[0][0] == ["by", "column", "faker", "file"]


# --- by another fact


def test_everyone_draws_from_the_values_of_their_case(attribute, make_people):
    cases = {"female": ["oak", "elm", "ash", "fir"], "male": {"car": 1, "bus": 2, "tram": 3, "ship": 2}}
    people = make_people(attribute(type="enum", choose={"by": "gender", "cases": cases}))
    for record in people:
        qa = record["qa_list"][-1]
        assert {qa["value"]["value"], *qa["perturbed_value"]} == set(cases[record["gender"]])
    assert {record["gender"] for record in people} == {"female", "male"}


def test_one_case_changes_nothing_of_the_others(attribute, make_people):
    def drawn(men):
        cases = {"female": ["oak", "elm", "ash", "fir"], "male": men}
        people = make_people(attribute(type="enum", choose={"by": "gender", "cases": cases}))
        return [r["profile"]["thing"]["text"] for r in people if r["gender"] == "female"]

    assert drawn(["a1", "b2", "c3", "d4"]) == drawn(["x", "y", "z", "u", "v", "w"])


def test_a_case_that_is_missing(attribute, make_people):
    cases = {"1": ["oak", "elm", "ash", "fir"]}
    choose = {"by": "month(date_of_birth)", "cases": cases}
    with pytest.raises(PackError, match="no case '") as told:
        make_people(attribute(type="enum", choose=choose))
    assert "otherwise" in told.value.hint and "mine.yaml: thing" in told.value.where
    made = make_people(attribute(type="enum", choose={**choose, "otherwise": ["red", "green", "blue", "white"]}))
    january = {r["profile"]["thing"]["text"] in cases["1"] for r in made
               if r["profile"]["date_of_birth"]["value"][5:7] == "01"}  # fmt: skip
    assert january == {True}


# --- Faker


def test_values_of_faker_stand_in_the_manifest(attribute, write_pack):
    pack = write_pack(attribute(type="text", choose={"faker": "city", "locale": "de_DE", "draws": 60}))
    document = read_packs([pack]).packs[1].document
    choose = document["attributes"][0]["choose"]
    assert sum(choose["values"].values()) == 60 and choose["version"]
    assert read_packs([pack]).packs[1].document == document
    content = {**document, "attributes": [{**document["attributes"][0], "choose": {**choose, "version": "0.0.1"}}]}
    again = packs_of({"packs": [{"file": "mine.yaml", "content": content}]}).by_name["thing"]
    assert again.origin.options.groups[0][0] == list(choose["values"])


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"faker": "jobb"}, "Did you mean 'job'?"),
        ({"faker": "job", "locale": "xx_XX"}, "Faker has no locale 'xx_XX'"),
        ({"faker": "seed_instance"}, "no provider 'seed_instance'"),
        ({"faker": "__class__"}, "choose.faker"),
        ({"faker": "enum"}, "without arguments"),
        ({"faker": "job", "draws": 10**9}, "choose.draws"),
    ],
)
def test_what_faker_has_not(attribute, write_pack, options, what):
    with pytest.raises(PackError) as told:
        read_packs([write_pack(attribute(type="text", choose=options))])
    assert what in str(told.value)
