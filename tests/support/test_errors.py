import pytest
from fiubench.support.errors import ConfigError, DatasetError, FiubenchError, PackError, SourceError, did_you_mean


def test_an_error_says_what_where_and_how_to_mend_it():
    error = PackError("unknown fact 'x'", where="pack.yaml: doctor", hint="Did you mean 'y'?")
    assert str(error) == "pack.yaml: doctor: unknown fact 'x'\n  Did you mean 'y'?"
    assert (error.what, error.where, error.hint) == ("unknown fact 'x'", "pack.yaml: doctor", "Did you mean 'y'?")


def test_where_and_hint_may_be_missing(tmp_path):
    assert str(FiubenchError("it broke")) == "it broke"
    assert str(FiubenchError("it broke", hint="Mend it.")) == "it broke\n  Mend it."
    assert str(FiubenchError("it broke", where=tmp_path)) == f"{tmp_path}: it broke"


@pytest.mark.parametrize("kind", [ConfigError, SourceError, PackError, DatasetError])
def test_one_family(kind):
    with pytest.raises(FiubenchError, match="it broke"):
        raise kind("it broke", where="here")


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("blod_type", "Did you mean 'blood_type'?"),
        ("gendre", "Did you mean 'gender'?"),
        ("xyz", "Known: blood_type, gender, name."),
        ("", "Known: blood_type, gender, name."),
    ],
)
def test_did_you_mean(word, hint):
    assert did_you_mean(word, ["name", "gender", "blood_type"]) == hint
    assert did_you_mean(word, {"name": 1, "gender": 2, "blood_type": 3}) == hint
