"""What packs may say of people who are tied to each other, and what is wrong with the rest."""

import pytest
from fiubench.builder.packs.attributes import read_packs
from fiubench.builder.packs.telling import told
from fiubench.support.errors import PackError

SPOUSE = {"name": "spouse", "type": "relation", "generate": {"relation": "spouse"}}
JOB = {"name": "spouse_job", "type": "enum", "through": "spouse.occupation"}
SHARED = "can't be shared: only a column of a source and what is generated without other facts can be shared"
RENT = {
    "name": "rent", "type": "integer", "generate": {"integer": {"min": 1, "max": 900}}, "constraints": ["rent > 3"],
}  # fmt: skip
MISTAKES = {
    "a kind that is none": ([{**SPOUSE, "generate": {"relation": "wife"}}], {}, "wife", ""),
    "a relation that is chosen": ([{"name": "friend", "type": "relation", "choose": ["Ann Lee", "Bo Lee"]}], {},
                                  "a relation is generated", "Write `generate: {relation: spouse}`"),
    "a relation of another type": ([{**SPOUSE, "type": "name"}], {}, "makes relation, not name",
                                   "Write `type: relation`."),
    "the same kind twice": ([SPOUSE, {**SPOUSE, "name": "partner"}], {}, "'spouse' is the same relation, spouse",
                            "Leave one of them out."),
    "no such relation": ([SPOUSE, {**JOB, "through": "spose.occupation"}], {}, "no relation 'spose'",
                         "Did you mean 'spouse'?"),
    "through what is no relation": ([SPOUSE, {**JOB, "through": "doctor.occupation"}], {}, "no relation 'doctor'", ""),
    "no such fact": ([SPOUSE, {**JOB, "through": "spouse.ocupation"}], {},
                     "no fact 'ocupation' that everybody has", "Did you mean 'occupation'?"),
    "a relation of a relation": ([SPOUSE, {**JOB, "through": "spouse.spouse"}], {}, "no fact 'spouse' that", ""),
    "another type than the fact's": ([SPOUSE, {**JOB, "type": "text"}], {}, "spouse.occupation holds enum, not text",
                                     "Write `type: enum`."),
    "computed from what not everybody has": ([SPOUSE, {"name": "n", "type": "integer", "compute": "length(spouse)"}],
                                             {}, "reads 'spouse', which not everybody has", "Only `through`"),
    "a constraint on it": ([{**SPOUSE, "constraints": ["spouse != full_name"]}], {}, "which not everybody has", ""),
    "a constraint beside it": ([{**SPOUSE, "constraints": ["year(as_of) > 3"]}], {}, "`perturb` do nothing",
                               "Leave them out."),
    "wrong answers of its own": ([SPOUSE, {**JOB, "perturb": {"extra": ["baker"]}}], {}, "`perturb` do nothing",
                                 "Leave them out."),
    "words of its own": ([SPOUSE, {**JOB, "values": {"baker": "bread maker"}}], {}, "`values` and", "Leave them out."),
    "a caption that is added": ([SPOUSE], {"phrasings": {"doctor": {"caption": "{doctor} knows {spouse}."}}},
                                "not everybody has 'spouse'", ""),
    "a caption for everybody": ([SPOUSE], {"caption": [["{full_name} and {spouse} are a couple."]]},
                                "not everybody has 'spouse'", "Give spouse a `caption` of its own"),
    "another's caption": ([SPOUSE, {**JOB, "caption": "The work of {spouse} is {spouse_job}."}], {},
                          "not everybody has 'spouse'", ""),
    "nothing of the name is shared": ([], {"shared": {"docter": 5}}, "declares an attribute 'docter'",
                                      "Did you mean 'doctor'?"),
    "a drug is shared": ([], {"shared": {"medication": 5}}, "goes with other facts of the person", "an employer"),
    "an address is shared": ([], {"shared": {"address": 5}}, "goes with other facts of the person", ""),
    "a name is shared": ([], {"shared": {"full_name": 5}}, "goes with other facts of the person", ""),
    "a spouse is shared": ([SPOUSE], {"shared": {"spouse": 5}}, SHARED, ""),
    "what is bound is shared": ([RENT], {"shared": {"rent": 5}}, "a constraint reads it", ""),
    "shared by all": ([], {"shared": {"doctor": 400}}, "400", ""),
    "shared by one": ([], {"shared": {"doctor": 1}}, "1 is less than", ""),
}  # fmt: skip


@pytest.fixture
def pack(attribute, write_pack):
    def make(entries, **keys):
        keys |= {"phrasings": {"doctor": {"questions": ["Who is the doctor in charge here?"]}}} if not entries else {}
        written = [attribute(asked="through" in entry, **entry) for entry in entries]
        path = write_pack(*written, **keys)
        if not entries:
            path.write_text(path.read_text().replace('"attributes": [],', ""))
        return path

    return make


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told(pack, mistake):
    entries, keys, what, hint = MISTAKES[mistake]
    with pytest.raises(PackError) as error:
        read_packs([pack(entries, **keys)])
    assert what in str(error.value)
    assert hint in error.value.hint
    assert "mine.yaml" in str(error.value)


def test_what_is_said_of_them(pack):
    known = read_packs([pack([SPOUSE, JOB], shared={"doctor": 5})])
    assert known.tied
    assert not read_packs().tied
    said = {name: told(known.by_name[name], known) for name in ("spouse", "spouse_job", "doctor")}
    assert said["spouse"] == "three other people of the dataset who could have been it and are tied so to nobody"
    assert said["spouse_job"].startswith("those of the spouse's own occupation, which are as careers.occupation")
    assert said["doctor"] == "what other people around have"


def test_it_is_written_as_the_fact_is(pack):
    entry = {"name": "their_income", "type": "money", "through": "spouse.annual_income"}
    known = read_packs([pack([SPOUSE, entry])]).by_name
    assert known["their_income"].options == known["annual_income"].options
    assert [known[name].hops for name in ("spouse", "their_income", "annual_income")] == [1, 2, 1]
    assert known["their_income"].origin.label == "annual_income of spouse"
