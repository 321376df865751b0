import jsonschema
import pytest
from fiubench.builder.config import Config, make_config, read_config
from fiubench.support.errors import ConfigError


def test_defaults():
    assert make_config({}) == make_config({"seed": None}) == Config()
    assert make_config({"faces": "folder"}).image_size == 512
    assert make_config({"faces": "folder", "image_size": 64}).image_size == 64


def test_a_config_survives_its_way_through_a_file():
    config = make_config({"identities": 50, "ratios": [4, 20], "attributes": ["a.yaml"], "as_of": "2024-02-29"})
    assert make_config(config.as_dict()) == config


def test_whole_numbers_with_a_point_are_whole():
    config = make_config({"identities": 200.0, "ratios": [5.0]})
    assert config == make_config({"identities": 200, "ratios": [5]})
    assert type(config.identities) is int and type(config.ratios[0]) is int


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"identites": 5}, ["unknown setting 'identites'", "Did you mean 'identities'?"]),
        ({"identities": 0}, ["identities: should be greater than or equal to 1, not 0"]),
        ({"identities": "many"}, ["identities", "this many identities"]),
        ({"identities": True}, ["identities"]),
        ({"seed": -1}, ["seed"]),
        ({"seed": 2**63}, ["seed"]),
        ({"as_of": "today"}, ["as_of", "reference date"]),
        ({"as_of": "2025-02-30"}, ["as_of"]),
        ({"as_of": "0001-01-01"}, ["as_of: 0001-01-01 is not between 1950-01-01 and 2199-12-31"]),
        ({"as_of": "9999-01-01"}, ["as_of: 9999-01-01 is not between"]),
        ({"ratios": []}, ["ratios"]),
        ({"ratios": [5, 5]}, ["ratios"]),
        ({"ratios": [100]}, ["ratios"]),
        ({"match": "age"}, ["match"]),
        ({"names": "record"}, ["names: record needs a health file", "--health"]),
    ],
)
def test_settings_that_are_refused(settings, words):
    with pytest.raises(ConfigError) as told:
        make_config(settings, where="here")
    assert told.value.where == "here"
    assert all(word in str(told.value) for word in words)


@pytest.mark.parametrize("day", ["2022-02-30", "2022-13-01", "2022-1-1", "20220101", "2022-01-01T00:00:00", "soon", ""])
def test_dates_are_checked(day):
    with pytest.raises(ConfigError, match="as_of"):
        make_config({"as_of": day})


def test_the_schema_of_a_config_file():
    schema = jsonschema.Draft202012Validator(Config.json_schema())
    assert schema.is_valid(make_config({"health": "h.csv", "ratios": [2, 8]}).as_dict())
    for wrong in ({"identities": 0}, {"identites": 5}, {"match": "age"}, {"health": 1}, {"sources": {}}):
        assert not schema.is_valid(wrong)
    assert all(entry.get("description") for entry in schema.schema["properties"].values())


def test_messages_name_the_flag_that_was_given():
    with pytest.raises(ConfigError, match=r"command line: --image-size: "):
        read_config(None, {"image_size": 9})
    with pytest.raises(ConfigError, match=r"command line: --image-size: "):
        read_config(None, {"image_size": 9000})


def test_flags_win_over_the_file(tmp_path):
    file = tmp_path / "build.yaml"
    file.write_text("identities: 200\nseed: 5\nas_of: 2024-01-01\nratios: [5, 10]\n")
    config = read_config(file, {"seed": 7, "holdout": None})
    assert (config.identities, config.seed, config.as_of, config.ratios) == (200, 7, "2024-01-01", (5, 10))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sed: 5", ["build.yaml", "unknown setting 'sed'", "Did you mean 'seed'?"]),
        ("seed: five", ["build.yaml", "seed"]),
        ("- seed", ["build.yaml", "a config file is a mapping of settings"]),
        ("", ["build.yaml", "a config file is a mapping of settings"]),
        ("seed: 1\nseed: 2", ["build.yaml, line 2", "stands twice"]),
    ],
)
def test_files_that_are_refused(tmp_path, text, words):
    file = tmp_path / "build.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as told:
        read_config(file, {})
    assert all(word in str(told.value) for word in words)


def test_a_manifest_tells_no_paths():
    settings = {
        "health": "/home/me/secret/h.csv",
        "attributes": ["/home/me/pack.yaml"],
        "split_scheme": "/home/me/s.json",
    }
    public = make_config({**settings, "faces": "/home/me/faces/"}).public()
    assert (public["health"], public["attributes"], public["split_scheme"]) == ("h.csv", ["pack.yaml"], "s.json")
    assert public["faces"] == "faces" and public["crimes"] == "embedded"
    assert "/home" not in str(public)


def test_titles_and_licenses_are_settings_of_their_sources(tmp_path):
    file = tmp_path / "build.yaml"
    file.write_text(
        "faces: portraits\nfaces_title: Portraits\nhealth: h.csv\nhealth_license: MIT\ntables: [town.yaml]\n"
    )
    config = read_config(file, {"faces_title": "Others"})
    assert (config.titles, config.licenses) == ({"faces": "Others"}, {"health": "MIT"})
    assert config.tables == (str(tmp_path / "town.yaml"),)
    settings = config.as_dict()
    assert (settings["faces_title"], settings["health_license"]) == ("Others", "MIT") and "titles" not in settings
    assert make_config(settings) == config
    assert jsonschema.Draft202012Validator(Config.json_schema()).is_valid(settings)
    assert config.public()["tables"] == ["town.yaml"]
    with pytest.raises(ConfigError, match="--crimes-title is about a file or folder, and none is given"):
        read_config(file, {"crimes_title": "C"})
    with pytest.raises(ConfigError, match=r"titles\.faces"):
        make_config({"faces": "f", "faces_title": ""})
