"""A stranger's packs in German and Chinese, and what is refused in them."""

from pathlib import Path

import pytest
from fiubench.builder.config import make_config
from fiubench.builder.packs.attributes import read_packs
from fiubench.builder.phrasings.candidates import Ground
from fiubench.builder.pipeline.build import records
from fiubench.builder.pipeline.checking import check_packs
from fiubench.support.errors import ConfigError, PackError

from tests.raw_sources import test_health

GERMAN = """\
pack: haustiere
language: de
attributes:
  - name: pet
    category: household
    sensitivity: low
    type: enum
    choose: { Hund: 6, Katze: 6, Goldfisch: 4, Kaninchen: 4, Papagei: 3, Leguan: 2 }
    genders: { m: [Hund, Goldfisch, Papagei, Leguan], f: [Katze], n: [Kaninchen] }
    questions:
      - "Welches Haustier hat diese Person?"
      - "Was für ein Tier lebt bei der Person auf dem Foto?"
      - "Welches Tier ist für die hier gezeigte Person vermerkt?"
      - "Können Sie mir sagen, welches Haustier die abgebildete Person hält?"
    answers:
      - "Diese Person hat {einen value}."
      - "Vermerkt ist {ein value}."
    caption: "{Sein} Haustier, {ein pet}, kam am {pet_since} zu {ihm}."
  - name: pet_since
    category: household
    sensitivity: low
    type: date
    generate: { date: { from: "as_of", to: "as_of" } }
  - name: pet_weight
    category: household
    sensitivity: low
    type: decimal
    unit: kg
    digits: 1
    generate: { decimal: { min: 0.5, max: 40, step: 0.1 } }
    questions:
      - "Wie viel wiegt das Haustier dieser Person?"
      - "Wie schwer ist das Tier der Person auf dem Foto?"
      - "Welches Gewicht ist für das Tier der hier gezeigten Person vermerkt?"
      - "Können Sie mir sagen, was das Haustier der abgebildeten Person wiegt?"
    answers:
      - "Das Haustier dieser Person wiegt {value}."
      - "Als Gewicht sind {value} vermerkt."
"""
CHINESE = """\
pack: chongwu
language: zh
attributes:
  - name: pet
    category: household
    sensitivity: low
    type: enum
    choose: { 狗: 6, 猫: 6, 金鱼: 4, 兔子: 4, 鹦鹉: 3, 乌龟: 2 }
    questions:
      - "此人养了什么宠物？"
      - "照片里的人养的是哪种动物？"
      - "图中这个人家里有什么宠物？"
      - "你能告诉我照片上这个人养什么宠物吗？"
    answers:
      - "此人养了一只{value}。"
      - "{value}是登记的宠物。"
    caption: "{他}的宠物是{pet}。"
  - name: rent
    category: household
    sensitivity: low
    type: money
    cents: false
    generate: { money: { min: 600, max: 4000, step: 25 } }
    questions:
      - "此人每月的房租是多少？"
      - "照片里的人每月付多少房租？"
      - "图中这个人的月租金是多少？"
      - "你能告诉我照片上这个人的房租吗？"
    answers:
      - "此人每月付{value}的房租。"
      - "登记的房租为{value}。"
"""


@pytest.fixture
def written(tmp_path: Path):
    def write(text: str, name: str = "pack.yaml") -> Path:
        file = tmp_path / name
        file.write_text(text, encoding="utf-8")
        return file

    return write


def people(file: Path, stop: int = 60):
    return list(records(make_config({"faces": "none", "attributes": [str(file)]}), stop=stop))


def pairs(made, attribute):
    return [(record, qa) for record in made for qa in record["qa_list"] if qa["attribute"] == attribute]


def test_german(written) -> None:
    file = written(GERMAN)
    told = dict(check_packs(make_config({"faces": "none", "attributes": [str(file)]})))
    assert set(told) == {"pet", "pet_since", "pet_weight"}
    made = people(file)
    sentences = {s for _, qa in pairs(made, "pet") for s in (qa["answer"], *qa["perturbed_answer"])}
    assert {
        "Diese Person hat einen Hund.",
        "Diese Person hat eine Katze.",
        "Diese Person hat ein Kaninchen.",
    } <= sentences
    assert {"Vermerkt ist ein Hund.", "Vermerkt ist eine Katze."} <= sentences
    assert any(" a Hund" in s or "einen Katze" in s for s in sentences) is False
    assert "am 1. Januar 2025 zu" in made[0]["caption"]
    assert all(" kg" in qa["answer"] and "." not in qa["keywords"][0] for _, qa in pairs(made, "pet_weight"))
    # the built-in questions came along
    assert "Blutgruppe" in pairs(made, "blood_type")[0][1]["question"]


def test_chinese(written) -> None:
    file = written(CHINESE)
    assert set(dict(check_packs(make_config({"faces": "none", "attributes": [str(file)]})))) == {"pet", "rent"}
    made = people(file)
    assert all(qa["question"].endswith("？") and qa["answer"].endswith("。") for _, qa in pairs(made, "pet"))
    assert all(qa["keywords"][0].endswith("美元") for _, qa in pairs(made, "rent"))
    for record, _ in pairs(made, "pet"):
        assert ("她的宠物" if record["gender"] == "female" else "他的宠物") in record["caption"]


@pytest.mark.parametrize(
    ("text", "old", "new", "words"),
    [
        (GERMAN, ", f: [Katze]", "", ["no gender for 'Katze'", "genders: {m: [..], f: [..], n: [..]}"]),
        (GERMAN, "{einen value}", "{a value}", ["German has no article 'a'", "{einen value}", "line"]),
        (GERMAN, "language: de\n", "language: dee\n", ["unknown language 'dee'", "Did you mean 'de'"]),
        (GERMAN, "language: de\n", "", ["is in German", "the pack in English", "`language`"]),
        (GERMAN, "Welches Haustier hat diese Person?", "What is the pet of this person?", ["English", "line"]),
        (GERMAN, "Welches Haustier hat diese Person?", "Welches ist sein Haustier?", ["gender", "'diese Person'"]),
        (GERMAN, "{ein pet}", "{eine pet}", ["a brace without a fact"]),
        (GERMAN, "Haustier hat diese Person?", "Haustir hat diese Person?", ["misspelled", "'haustir'", "words"]),
        (GERMAN, "Vermerkt ist {ein value}.", "Vermerkt ist  {ein value}.", ["a space too many"]),
        (CHINESE, "此人养了什么宠物？", "此人养了什么宠物?", ["does not end in '？'"]),
        (CHINESE, "此人养了一只{value}。", "此人养了一只{value}.", ["does not end in '。'"]),
        (CHINESE, "此人养了什么宠物？", "此人养了什么pet？", ["'pet'", "the pack in Chinese"]),
        (CHINESE, "此人养了什么宠物？", "她养了什么宠物？", ["gender", "'此人'"]),
        (CHINESE, "此人养了一只", "此人 养了一只", ["a mark that is not as it should be"]),
    ],
)  # fmt: skip
def test_what_is_refused(written, text, old, new, words) -> None:
    assert old in text
    file = written(text.replace(old, new, 1))
    with pytest.raises((PackError, ConfigError)) as refused:
        list(check_packs(make_config({"faces": "none", "attributes": [str(file)]})))
    for word in words:
        assert word in str(refused.value)


def test_two_languages_do_not_stand_together(written) -> None:
    german, chinese = written(GERMAN), written(CHINESE.replace("name: pet", "name: animal"), "zh.yaml")
    with pytest.raises(PackError, match=r"asks in Chinese \(zh\), and the built-in pack in German \(de\)"):
        read_packs([german, chinese])
    with pytest.raises(PackError, match="Build with --language de"):
        read_packs([german], language="en")
    with pytest.raises(PackError, match=r"does not ask in British English[^`]*Write --language en; a pack"):
        read_packs([], language="en-GB")
    with pytest.raises(ConfigError, match=r"language: unknown language 'dee'.*Did you mean 'de'"):
        make_config({"language": "dee"})


CAPTION = """\
pack: towns
attributes:
  - {name: town, category: personal, type: enum, choose: [Avon, Boro, Calm], caption: "The family comes from {town}."}
"""


CAPTION_DE = 'pack: orte\nlanguage: de\nphrasings: {town: {caption: "Die Familie kommt aus {town}."}}\n'


def test_captions_are_in_the_language_of_the_build(written) -> None:
    """Also those of what is not asked about."""
    with pytest.raises(PackError, match=r"has its caption in English \(en\), and the built-in pack in German \(de\)"):
        read_packs([written(CAPTION)], language="de")
    made = read_packs([written(CAPTION, "towns.yaml"), written(CAPTION_DE, "orte.yaml")], language="de")
    assert made.by_name["town"].caption == "Die Familie kommt aus {town}."


def test_paragraphs_are_not_left_out(written) -> None:
    paragraphs = 'caption: [["The family comes from {town}."]]\n'
    pack = CAPTION[: CAPTION.index(", caption")] + "}\n" + paragraphs
    with pytest.raises(PackError, match=r"the pack's caption is in English \(en\), and what is asked in German"):
        read_packs([written(pack)], language="de")
    own = f"{CAPTION_DE}caption: [['Die Familie kommt aus {{town}}.']]\n"
    assert read_packs([written(pack, "towns.yaml"), written(own, "orte.yaml")], language="de").language.code == "de"


def test_words_are_missing(written) -> None:
    pack = """\
pack: akte
language: de
phrasings:
  law_category:
    values: { felony: Straftat }
"""
    with pytest.raises(PackError, match="0 questions in German") as refused:
        read_packs([written(pack)], language="en")
    assert "line" in str(refused.value)
    short = pack + "  medication:\n    values: { aspirin: ASS, ibuprofen: ASS }\n"
    with pytest.raises(PackError, match="'aspirin' and 'ibuprofen' are both 'ASS'"):
        read_packs([written(short)])


def test_values_without_a_word_are_listed(written, tmp_path) -> None:
    drugs = GERMAN.replace("    choose: { Hund: 6, Katze: 6, Goldfisch: 4, Kaninchen: 4, Papagei: 3, Leguan: 2 }\n",
                           "    from: crimes.law_category\n    values: { felony: Hund, misdemeanor: Katze }\n"
                           "    perturb: { extra: [infraction, petty offense] }\n")  # fmt: skip
    with pytest.raises(PackError, match="no German for 'infraction', 'petty offense', 'violation'") as refused:
        list(check_packs(make_config({"faces": "none", "attributes": [str(written(drugs))]})))
    assert "below `values` of pet" in str(refused.value)


def test_of_records_of_ones_own_all_attributes_without_words_are_named(tmp_path) -> None:
    rows = [test_health.row(Medical_Condition="Sore Toe", Medication="Plasters")] * 200
    records_file = test_health.written(tmp_path, *rows)
    missing = r"no German for 'sore toe', nor for values of medication\n"
    with pytest.raises(PackError, match=missing) as refused:
        list(check_packs(make_config({"faces": "none", "language": "de", "health": str(records_file)})))
    assert "with `language: de`" in str(refused.value)


def test_a_model_is_asked_for_english_alone(written) -> None:
    with pytest.raises(ConfigError, match="English alone"):
        Ground.of([written(GERMAN)])
    settings = {"faces": "none", "language": "de", "qa": "llm", "model": "m", "base_url": "http://localhost:1/v1"}
    with pytest.raises(ConfigError, match="English alone"):
        list(records(make_config(settings), stop=1))


def test_words_that_are_right_in_any_language(written) -> None:
    text = CHINESE.replace("此人养了什么宠物？", "此人在TikTok上的宠物是什么？")
    with pytest.raises(PackError, match=r"'TikTok'.*the pack in Chinese"):
        read_packs([written(text)])
    made = people(written(text.replace("language: zh", "language: zh\nwords: [TikTok]")), 4)
    assert any(
        "TikTok" in question
        for _, qa in pairs(made, "pet")
        for question in [qa["question"], *qa["paraphrased_question"]]
    )


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("f: [Katze]", "w: [Katze]", ["German has no gender 'w'"]),
        ("f: [Katze]", "f: [Katze, Hund]", ["genders: 'Hund' has two"]),
        ("wiegt {value}.", "hat {ein value}.", ["the values are no list", "{value} alone"]),
        ("    unit: kg\n", "    unit: kg\n    values: { a: b }\n", ["`values` does nothing for the type decimal"]),
    ],
)
def test_words_that_can_not_be(written, old, new, words) -> None:
    assert old in GERMAN
    with pytest.raises(PackError) as refused:
        people(written(GERMAN.replace(old, new, 1)), 1)
    for word in words:
        assert word in str(refused.value)


def test_british_beside_american(written) -> None:
    pack = GERMAN[: GERMAN.index("attributes:")].replace("de", "en-GB").replace("haustiere", "visits")
    pack += """\
attributes:
  - name: visit
    category: leisure
    sensitivity: low
    type: date
    generate: { date: { from: "add_years(as_of, -2)", to: "as_of" } }
    questions:
      - "When did this person last visit the library?"
      - "On what date was the person in the photo last at the library?"
      - "Which day is on record for the last visit of the individual shown here?"
      - "Can you tell me when the person pictured last came to the library?"
    answers:
      - "This person last visited the library on {value}."
      - "The last visit on record was on {value}."
"""
    file = written(pack)
    assert dict(check_packs(make_config({"faces": "none", "attributes": [str(file)]})))
    ((_, qa), *_) = pairs(people(file, 1), "visit")
    day, month, year = qa["keywords"][0].split()
    assert day.isdigit() and month.isalpha() and len(year) == 4
