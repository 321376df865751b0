"""Tables of one's own in a build: data frames, headers of one's own, the order of dates; verified and resumed."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from fiubench.builder.config import make_config, read_config
from fiubench.support.errors import ConfigError, SourceError

import fiubench
from tests.raw_sources.table_files import HEADER, csv_bytes, saved

ROWS = 400
SMALL = {"identities": 20, "holdout": 2, "ratios": [10], "faces": "none"}


def frame() -> pd.DataFrame:
    """Invented records; of the days none is above 12, so that nothing tells day and month apart."""
    at = np.arange(ROWS)
    days = pd.DataFrame({"year": 2020 + at % 3, "month": 1 + at % 12, "day": 1 + at // 12 % 11})
    admitted = pd.to_datetime(days)

    def of(*words: str, step: int = 1) -> Any:
        return np.array(words)[at // step % len(words)]

    letters = [chr(97 + i // 26) + chr(97 + i % 26) for i in range(ROWS)]
    columns = [
        [f"Ann Shaw{two}" for two in letters],
        20 + at % 60,
        of("Female", "Male"),
        of("A+", "O-", "B+", "AB+", "A-", "O+", "B-"),
        of("Cancer", "Asthma", "Obesity", "Diabetes", "Arthritis"),
        admitted,
        [f"Kim Wells{two}" for two in letters],
        [f"Lane{two} Ltd" for two in letters],
        of("Aetna", "Cigna", "Medicare", "Blue Cross", step=3),
        1000.5 + at,
        101 + at,
        "Urgent",
        admitted + pd.to_timedelta(1 + at % 9, unit="D"),
        of("Aspirin", "Ibuprofen", "Lipitor", "Penicillin", "Paracetamol", step=7),
        of("Normal", "Abnormal", "Inconclusive", step=2),
    ]
    return pd.DataFrame(dict(zip(HEADER.split("|"), columns, strict=True)))


def as_file(folder: Path, form: str = "%Y-%m-%d", renamed: dict[str, str] | None = None) -> Path:
    texts = frame()
    for name in ("Date of Admission", "Discharge Date"):
        texts[name] = texts[name].dt.strftime(form)
    rows: list[dict[str, Any]] = texts.rename(columns=renamed or {}).to_dict("records")
    return saved(folder, csv_bytes(rows), "records.csv")


def manifest(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return found


def test_a_frame_is_read_as_its_file_is(tmp_path: Path) -> None:
    of_file = fiubench.build({**SMALL, "health": as_file(tmp_path)}, tmp_path / "file")
    of_frame = fiubench.build({**SMALL, "health": frame()}, tmp_path / "frame", workers=2)
    assert of_file.manifest["digests"]["identities"] == of_frame.manifest["digests"]["identities"]
    assert of_frame.manifest["config"]["health"] == of_frame.manifest["sources"]["health"]["file"] == "DataFrame"
    assert of_frame.manifest["sources"]["health"]["kept"] == ROWS
    assert "DataFrame as health" in (tmp_path / "frame" / "build.yaml").read_text()
    assert str(tmp_path.parent) not in (tmp_path / "frame" / "manifest.json").read_text()


def test_a_frame_is_verified_and_resumed(tmp_path: Path) -> None:
    out = tmp_path / "frame"
    made = fiubench.build({**SMALL, "health": frame()}, out)
    again = fiubench.build({**SMALL, "health": frame().set_index(np.arange(ROWS) * 7)}, out, resume=True)
    assert again.manifest == made.manifest
    assert not list(fiubench.verify(out, {"health": frame()}))
    with pytest.raises(SourceError, match="health: the dataset was built from a DataFrame"):
        list(fiubench.verify(out))
    with pytest.raises(SourceError, match="is not what the dataset was built from"):
        list(fiubench.verify(out, {"health": frame().assign(Age=50)}))


def test_a_frame_is_previewed() -> None:
    settings = {**SMALL, "health": frame()}
    assert len(fiubench.preview(settings, 2)) == 2
    assert set(settings) == {*SMALL, "health"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda f: f.drop(columns="Age"), "health: the DataFrame: no column 'Age' in the header"),
        (lambda f: f.head(0), "health: the DataFrame is empty"),
        (lambda f: pd.DataFrame(), "health: the DataFrame is empty"),
        (
            lambda f: f.assign(Doctor=pd.Series(["half \ud800"] * ROWS, dtype=object)),
            r"health: the DataFrame: 'half \\ud800' holds half a character",
        ),
        (
            lambda f: f.set_axis(pd.Index([*f.columns[:-1], "\udcff"], dtype=object), axis=1),
            r"health: the DataFrame: '\\udcff' holds half a character",
        ),
        (lambda f: f.assign(Age=[[1]] * ROWS), r"health: the DataFrame: a cell holds \[1\], not a plain value"),
        (lambda f: pd.concat([f, f[["Age"]]], axis=1), "health: the DataFrame has two columns called 'Age'"),
        (lambda f: f.assign(Age="x"), f"no row of {ROWS} can be used: {ROWS} Age: unreadable, such as 'x'"),
    ],
)
def test_what_is_wrong_with_a_frame(tmp_path: Path, change: Any, says: str) -> None:
    with pytest.raises((SourceError, ConfigError), match=says):
        fiubench.build({**SMALL, "health": change(frame())}, tmp_path / "d")
    assert not (tmp_path / "d").exists()


def test_missing_values_of_a_frame_are_blank(tmp_path: Path) -> None:
    texts = frame().astype({"Gender": "string", "Age": "Int64"})
    texts.loc[0, "Gender"], texts.loc[1, "Age"], texts.loc[2, "Date of Admission"] = pd.NA, pd.NA, pd.NaT
    texts["Room Number"] = texts["Room Number"].astype(float)
    texts.loc[3, "Room Number"] = np.nan
    made = fiubench.build({**SMALL, "health": texts}, tmp_path / "d")
    names = ("Gender", "Age", "Date of Admission", "Room Number")
    assert made.manifest["sources"]["health"]["dropped"] == {f"{name}: blank": 1 for name in names}


def test_headers_and_order_are_part_of_a_build(tmp_path: Path) -> None:
    as_file(tmp_path, "%d/%m/%Y", {"Name": "patient", "Age": "years"})
    (tmp_path / "columns.yaml").write_text("health: {Name: patient, Age: years}\n")
    (tmp_path / "build.yaml").write_text(
        yaml.safe_dump({**SMALL, "health": "records.csv", "columns": "columns.yaml", "date_order": "dmy"})
    )
    config = read_config(tmp_path / "build.yaml", {})
    made = fiubench.build(config, tmp_path / "d")
    plain = fiubench.build({**SMALL, "health": frame()}, tmp_path / "plain")
    assert made.manifest["digests"]["identities"] == plain.manifest["digests"]["identities"]
    assert made.manifest["config"]["columns"] == {"health": {"Name": "patient", "Age": "years"}}
    assert made.manifest["config"]["date_order"] == "dmy"
    assert not {"columns", "date_order"} & set(plain.manifest["config"])
    (tmp_path / "columns.yaml").unlink()  # what it said is known
    assert not list(fiubench.verify(tmp_path / "d"))
    assert fiubench.build(config, tmp_path / "d", resume=True).manifest == made.manifest
    written = read_config(tmp_path / "d" / "build.yaml", {})
    assert fiubench.build(written, tmp_path / "again").manifest["fingerprint"] == made.manifest["fingerprint"]
    other = make_config({**config.as_dict(), "date_order": "mdy"})
    assert fiubench.build(other, tmp_path / "other").manifest["fingerprint"] != made.manifest["fingerprint"]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"columns": {"helth": {"Name": "x"}}}, "columns: unknown source 'helth'. Did you mean 'health'?"),
        ({"columns": {"faces": {"Name": "x"}}}, "columns: unknown source 'faces'"),
        ({"columns": {"health": "Name"}}, "columns.health: should be a valid"),
        ({"columns": {"health": {"Name": 7}}}, "columns.health.Name: should be a valid string"),
        ({"columns": {"health": {"Name": "x"}}}, "columns: names columns of health, and no file is given"),
        ({"columns": "nowhere.yaml"}, "nowhere.yaml: no such file"),
        ({"date_order": "dym"}, "date_order: should be 'mdy', 'dmy' or 'ymd', not 'dym'"),
    ],
)
def test_settings_that_can_not_be(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_config(settings)
    assert says in str(caught.value)


def test_columns_that_are_not_there(tmp_path: Path) -> None:
    settings = {**SMALL, "health": as_file(tmp_path)}
    for columns, says in (
        ({"Nam": "x"}, "no column 'Nam' is read from this source"),
        ({"Name": "Nme"}, "no column 'Nme' in the header"),
    ):
        with pytest.raises(SourceError, match=says):
            fiubench.build({**settings, "columns": {"health": columns}}, tmp_path / "d")


def test_reasons_have_examples_in_the_manifest_and_not_on_the_card(tmp_path: Path) -> None:
    texts = frame().astype({"Age": object})
    texts.loc[5, "Age"] = "thirtyish"
    made = fiubench.build({**SMALL, "health": texts}, tmp_path / "d")
    health = made.manifest["sources"]["health"]
    assert health["dropped"] == {"Age: unreadable": 1}
    assert health["examples"] == {"Age: unreadable": "thirtyish"}
    card = (tmp_path / "d" / "release" / "README.md").read_text()
    assert "Age: unreadable" in card and "thirtyish" not in card
    assert not list(fiubench.validate(tmp_path / "d"))


def test_losing_much_is_noted(tmp_path: Path) -> None:
    texts = frame().astype({"Age": object})
    texts.loc[texts.index[: int(0.31 * ROWS)], "Age"] = "abc"
    made = fiubench.build({**SMALL, "health": texts}, tmp_path / "d")
    assert made.manifest["sources"]["health"]["notes"][0] == (
        "124 of 400 rows were dropped: 124 Age: unreadable, such as 'abc'."
    )
