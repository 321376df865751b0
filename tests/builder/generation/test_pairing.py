"""Pairing: prefix-stable, without repetition, faces that agree with records."""

import re
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from fiubench.builder.generation.pairing import AGE_BANDS, Plan, band_of, cut_splits, make_plan, strata_of
from fiubench.builder.generation.sources import Sources, open_sources
from fiubench.builder.values import dates
from fiubench.builder.values.phone import CAPACITY, other_numbers, phone_numbers, phone_text
from fiubench.raw_sources.names import GENDERS, capacity
from fiubench.raw_sources.source import SOURCES
from fiubench.raw_sources.table import FileTable, Origin, Report
from fiubench.support.draws import draw
from fiubench.support.errors import SourceError
from hypothesis import given
from hypothesis import strategies as st

from fiubench import make_config

TODAY = dates.to_day("2025-01-01")


def health_table(rows: int) -> FileTable:
    words = draw(7, "test", np.arange(rows), words=2)
    admission = dates.to_isos(TODAY - 100 - (words[:, 0] % 1000).astype(np.int64))
    columns: dict[str, Any] = {name: [f"{name} {i}" for i in range(rows)] for name in SOURCES["health"].columns}
    columns |= {
        "gender": ["male" if w % 2 else "female" for w in words[:, 1].tolist()],
        "age": [20 + int(w) % 70 for w in words[:, 0].tolist()],
        "admission_date": admission,
        "discharge_date": admission,
        "record_name": [f"Given Family{i // 2}" for i in range(rows)],
    }
    return FileTable(
        Origin("health", "h.csv", "0" * 64), Report(read=rows), SOURCES["health"].columns, pa.table(columns)
    )


def with_faces(count: int, gender: list[str | None], age: list[int | None], config: Any, rows: int = 2000) -> Sources:
    faces = [
        SimpleNamespace(file=Path(f"{i}.jpg"), unique_id=f"f{i}", gender=gender[i % len(gender)], age=age[i % len(age)])
        for i in range(count)
    ]
    table = SimpleNamespace(faces=tuple(faces), origin=Origin("faces", "faces", "0" * 64), report=Report(read=count))
    opened = open_sources(make_config({"faces": "none"}))
    tables = {**opened.tables, "health": health_table(rows)} if rows else opened.tables
    return Sources(tables, table)  # type: ignore[arg-type]


def test_a_plan_of_fewer_is_the_beginning_of_a_plan_of_more() -> None:
    few, many = (make_config({"faces": "none", "identities": n}) for n in (100, 1000))
    a, b = make_plan(few, open_sources(few)), make_plan(many, open_sources(many))
    n = a.config.identities
    assert (a.gender[:n] == b.gender[:n]).all()
    assert (a.birth[:n] == b.birth[:n]).all()
    assert (a.phone[:n] == b.phone[:n]).all()
    assert (a.name_rank[:n] == b.name_rank[:n]).all()
    assert a.unique_id[:n] == b.unique_id[:n]


def strata_counts(plan: Plan, part: slice) -> Counter[int]:
    return Counter(strata_of(plan.gender, plan.age_band())[part].tolist())


@pytest.mark.parametrize("files", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_the_holdout_is_like_the_benchmark(seed: int, files: bool) -> None:
    config = make_config({"faces": "none", "seed": seed} | ({"health": "h.csv"} if files else {}))
    sources = open_sources(make_config({"faces": "none"}))
    plan = make_plan(config, Sources({**sources.tables, "health": health_table(2000)}, None) if files else sources)
    everyone, held_out = strata_counts(plan, slice(400)), strata_counts(plan, slice(400, None))
    assert all(abs(held_out[stratum] - everyone[stratum] / 10) <= 1.5 for stratum in everyone)
    place = {unique_id: i for i, unique_id in enumerate(plan.unique_id)}
    forgotten = [place[i] for i in cut_splits(plan)["splits"]["forget10"]]
    assert Counter(strata_of(plan.gender, plan.age_band())[forgotten].tolist()) == held_out
    assert len(set(plan.rows["health"].tolist())) == plan.size


def test_the_size_of_the_holdout_changes_nobody_else() -> None:
    few, many, none = (make_config({"faces": "none", "holdout": n}) for n in (40, 90, 0))
    plans = [make_plan(config, open_sources(config)) for config in (few, many, none)]
    for plan in plans[1:]:
        n = min(plan.size, 440)
        for name in ("gender", "birth", "phone", "name_rank"):
            assert (getattr(plan, name)[:n] == getattr(plans[0], name)[:n]).all()
        assert (plan.rows["health"][:n] == plans[0].rows["health"][:n]).all()


def test_where_files_have_nobody_to_choose_from_the_holdout_is_who_is_left() -> None:
    config = make_config({"faces": "none", "health": "h.csv", "identities": 100, "holdout": 20})
    opened = open_sources(make_config({"faces": "none"}))
    plan = make_plan(config, Sources({**opened.tables, "health": health_table(120)}, None))
    assert sorted(plan.rows["health"].tolist()) == list(range(120))


@pytest.mark.parametrize("match", ["gender", "gender+age"])
def test_faces_agree_with_records(match: str) -> None:
    config = make_config({"faces": "folder", "health": "h.csv", "identities": 150, "holdout": 10, "match": match})
    sources = with_faces(400, ["female", "male"], [25, 50, 70], config)
    plan = make_plan(config, sources)
    assert plan.face is not None
    assert sources.faces is not None
    ages = dates.ages_on(plan.birth, TODAY)
    for i, position in enumerate(plan.face.tolist()):
        face = sources.faces.faces[position]
        assert face.gender == ("female", "male")[plan.gender[i]]
        if match == "gender+age":
            assert band_of(np.array([face.age]))[0] == band_of(ages[i : i + 1])[0]
    assert len(set(plan.face.tolist())) == plan.size
    assert len(set(plan.rows["health"].tolist())) == plan.size


@pytest.mark.parametrize(
    ("settings", "gender", "age", "says"),
    [
        ({}, "female", None, "the age of 200 of 400 faces is unknown, and a face may be a child's"),
        ({"match": "none"}, "female", None, "faces annotate"),
        (
            {"unknown_ages": "allow"},
            "female",
            None,
            "the age of 200 of 400 faces is unknown, and --match gender+age needs it",
        ),
        ({}, None, 30, "the gender of 200 of 400 faces is unknown, and --match gender+age needs it"),
        ({"match": "gender"}, None, 30, "--match none"),
    ],
)
def test_what_is_needed_of_faces_must_be_known(
    settings: dict[str, Any], gender: str | None, age: int | None, says: str
) -> None:
    config = make_config({"faces": "folder", "identities": 100, "holdout": 0, **settings})
    with pytest.raises(SourceError, match=re.escape(says)):
        make_plan(config, with_faces(400, ["female", gender], [40, age], config, rows=0))


@pytest.mark.parametrize("match", ["none", "gender"])
def test_unknown_ages_can_be_allowed(match: str) -> None:
    settings = {"faces": "folder", "identities": 100, "holdout": 0, "unknown_ages": "allow", "match": match}
    config = make_config(settings)
    plan = make_plan(config, with_faces(120, ["female"], [None], config, rows=0))
    assert (plan.gender == 0).all() == (match == "gender")
    assert len(set(dates.ages_on(plan.birth, TODAY).tolist())) > 10


def test_matching_is_prefix_stable() -> None:
    plans = []
    for n in (60, 200):
        config = make_config({"faces": "folder", "health": "h.csv", "identities": n, "holdout": 0, "ratios": [5]})
        plans.append(make_plan(config, with_faces(400, ["female", "male"], [25, 50, 70], config)))
    few, many = plans
    assert few.face is not None
    assert many.face is not None
    assert (few.face == many.face[:60]).all()
    assert (few.rows["health"] == many.rows["health"][:60]).all()


def test_too_few_faces_of_a_kind_is_told() -> None:
    config = make_config({"faces": "folder", "health": "h.csv", "identities": 100, "holdout": 0})
    with pytest.raises(SourceError, match="find a record of their gender"):
        make_plan(config, with_faces(100, ["female"], [25], config, rows=120))
    with pytest.raises(SourceError, match="90 usable faces"):
        make_plan(config, with_faces(90, ["female"], [25], config))


def test_generated_people_follow_the_faces() -> None:
    config = make_config({"faces": "folder", "identities": 100, "holdout": 0})
    plan = make_plan(config, with_faces(100, ["male"], [33], config, rows=0))
    assert (plan.gender == 1).all()
    assert (dates.ages_on(plan.birth, TODAY) == 33).all()


def test_age_at_admission_is_the_records() -> None:
    config = make_config({"faces": "none", "health": "h.csv", "identities": 500, "holdout": 0})
    table = health_table(800)
    opened = open_sources(make_config({"faces": "none"}))
    plan = make_plan(config, Sources({**opened.tables, "health": table}, None))
    admission = dates.to_days(table.array("admission_date").tolist())[plan.rows["health"]]
    assert (dates.ages_on(plan.birth, admission) == table.array("age")[plan.rows["health"]]).all()
    assert (plan.birth < admission).all()


def test_names_of_the_records_are_unique() -> None:
    config = make_config({"faces": "none", "health": "h.csv", "names": "record", "identities": 100, "holdout": 0})
    table = health_table(300)
    opened = open_sources(make_config({"faces": "none"}))
    plan = make_plan(config, Sources({**opened.tables, "health": table}, None))
    names = [table.data.column("record_name")[row].as_py() for row in plan.rows["health"].tolist()]
    assert len(set(names)) == 100
    assert table.report.dropped["name of an earlier record"] == 150


@given(st.lists(st.integers(200, 240), min_size=1, max_size=600), st.integers(0, 9))
def test_phone_numbers_are_fictitious_and_distinct(codes: list[int], seed: int) -> None:
    numbers = phone_numbers(seed, np.array(codes))
    assert len(set(numbers.tolist())) == len(codes)
    for number, code in zip(numbers.tolist(), codes, strict=True):
        text = phone_text(number)
        assert len(text) == len("(212) 555-0142")
        if text[2] != "9":
            assert text.startswith(f"({code}) 555-01")


def test_a_quarter_of_an_area_code_is_handed_out_and_then_never_assigned_ones() -> None:
    numbers = phone_numbers(0, np.full(150, 212)).tolist()
    inside, outside = numbers[:25], numbers[25:]
    assert all(phone_text(n).startswith("(212) 555-01") for n in inside)
    assert inside != sorted(inside)
    assert all(str(n)[1] == "9" for n in outside)
    assert len(set(numbers)) == 150


@given(st.lists(st.integers(200, 240), min_size=1, max_size=600), st.integers(0, 9))
def test_three_more_numbers_are_left_for_each(codes: list[int], seed: int) -> None:
    """Of the same area code, nobody's, and nobody else's wrong ones."""
    numbers = phone_numbers(seed, np.array(codes))
    others = [other_numbers(seed, numbers, np.arange(len(codes)), turn) for turn in range(3)]
    assert len(set(np.concatenate([numbers, *others]).tolist())) == 4 * len(codes)
    for beside in others:
        for number, other in zip(numbers.tolist(), beside.tolist(), strict=True):
            if str(number)[1] == "9":
                assert str(other)[1] == "9"
            else:
                assert phone_text(other)[:11] == phone_text(number)[:11]


def test_nobody_is_promised_an_id_name_or_number_that_runs_out() -> None:
    config = make_config({"faces": "none", "identities": 100_000_000, "holdout": 40})
    sources = open_sources(config)
    with pytest.raises(SourceError, match="100,000,040 identities with the holdout"):
        make_plan(config, sources)
    assert CAPACITY >= 100_000_000 and all(capacity(gender) >= 100_000_000 for gender in GENDERS)


def test_bands() -> None:
    assert band_of(np.array([18, 20, 29, 30, 44, 45, 59, 60, 74, 75, 99])).tolist() == [0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert len(AGE_BANDS) == 5
