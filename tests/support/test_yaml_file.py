import pytest
from fiubench.support.errors import ConfigError, PackError
from fiubench.support.yaml_file import load_yaml


@pytest.fixture
def read(tmp_path):
    def read(text):
        path = tmp_path / "file.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_yaml(path, PackError)

    return read


def test_plain_documents(read):
    assert read("a: 1\nb: [x, 'y', \"z\"]\nc: {d: 1.5, e: true, f: null}\n") == {
        "a": 1, "b": ["x", "y", "z"], "c": {"d": 1.5, "e": True, "f": None},
    }  # fmt: skip
    assert read("") is None
    assert read("just text") == "just text"
    assert read(b"\xef\xbb\xbfa: \xc3\xa9\n") == {"a": "é"}


@pytest.mark.parametrize("day", ["2025-01-01", "2025-1-1", "2025-01-01 10:00:00"])
def test_dates_stay_as_they_are_written(read, day):
    assert read(f"as_of: {day}") == {"as_of": day}


def test_numbers_with_an_exponent(read):
    """YAML 1.1 takes 1e-4 for text; nobody who writes a learning rate means that."""
    assert read("a: [1e-4, -3E+2, 1.0e-4, 12e4, x1e-4]") == {"a": [1e-4, -300.0, 1e-4, "12e4", "x1e-4"]}


def test_an_anchor_alone_does_no_harm(read):
    assert read("a: &name [1]") == {"a": [1]}


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("a: 1\na: 2", "line 2, column 1", "key 'a' stands twice"),
        ("x:\n  - {b: 1, b: 2}", "line 2, column 12", "key 'b' stands twice"),
        ("no: 1", "line 1, column 1", "key False must be text: put it in quotes"),
        ("a:\n  1990: x", "line 2, column 3", "key 1990 must be text"),
        ("? [a]\n: x", "line 1", "must be text"),
        ("a: &x [1]\nb: *x", "line 2, column 4", "aliases (*name) are not allowed"),
        ("a: &x {b: 1}\nc: {<<: *x}", "line 2, column 9", "aliases (*name) are not allowed"),
        ("a: !!python/object/apply:os.getcwd []", "line 1, column 4", "tags (!name) are not allowed"),
        ("a: !!int x", "line 1, column 4", "tags (!name) are not allowed"),
        ("a: !!timestamp x", "line 1, column 4", "tags (!name) are not allowed"),
        ("!x a", "line 1, column 1", "tags (!name) are not allowed"),
        ("a: [1", "line 2, column 1", "did not find expected"),
        ("a: b: c", "line 1, column 5", "mapping values are not allowed"),
        ("a:\n\tb: 1", "line 2, column 1", "found character that cannot start any token"),
        ("a: '", "line 1, column 5", "found unexpected end of stream"),
        ("a: 1\n---\nb: 2", "line 2", "found another document"),
        ("[" * 51, "line 1, column 51", "nested more than 50 deep"),
        ("- " * 100_000, "line 1, column 101", "nested more than 50 deep"),
        ("{a: " * 100_000, "line 1", "nested more than 50 deep"),
        ("<<: {a: 1}", "line 1", "merge"),
    ],
)
def test_the_place_is_told(read, text, place, message):
    with pytest.raises(PackError) as told:
        read(text)
    assert message in told.value.what
    assert place in told.value.where and "file.yaml" in told.value.where


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 0x_", "holds a number that can't be read"),
        ("a: " + "1" * 5000, "holds a number that can't be read"),
        (b"a: \xff", "not UTF-8 text (byte 3)"),
        (b"a: \x00", "not valid YAML"),
        (b"\xff\xfea\x00", "not UTF-8 text (byte 0)"),
        ("# " + "x" * (4 << 20), "larger than 4 MB"),
    ],
)
def test_what_has_no_place(read, text, message):
    with pytest.raises(PackError) as told:
        read(text)
    assert message in told.value.what and "file.yaml" in told.value.where


def test_fifty_deep_is_fine(read):
    assert read("[" * 50 + "]" * 50)


def test_files_that_are_none(tmp_path):
    with pytest.raises(ConfigError, match="no such file"):
        load_yaml(tmp_path / "nowhere.yaml", ConfigError)
    with pytest.raises(ConfigError, match="it is a folder, and a file is expected"):
        load_yaml(tmp_path, ConfigError)
