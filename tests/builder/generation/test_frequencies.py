"""Wrong values of a file's columns: other rows stand in, by how frequent they are."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from fiubench.builder.config import make_config
from fiubench.builder.generation.pairing import make_plan
from fiubench.builder.generation.perturb import Perturber
from fiubench.builder.generation.profiles import Block, Profiles
from fiubench.builder.generation.sources import Sources, open_sources
from fiubench.builder.packs.attributes import read_packs
from fiubench.builder.values import dates
from fiubench.raw_sources.reading.faces import read_faces
from fiubench.raw_sources.source import SOURCES
from fiubench.raw_sources.table import FileTable, Origin, Report
from fiubench.support.draws import below, choose, draw, integers
from PIL import Image

CONDITIONS = {"asthma": 8, "migraine": 4, "gout": 4, "lupus": 4, "anemia": 4, "shingles": 1}
DRUGS = ["alpha", "bravo", "charlie", "delta", "echo"]
PEOPLE = 100
Made = dict[str, list[list[Any]]]


def health_table(rows: int, lengths: int = 20) -> FileTable:
    """Stays of 1 to so many days."""

    def drawn(name: str, bound: int) -> np.ndarray[Any, Any]:
        return integers(5, f"test.{name}", np.arange(rows), bound)

    first = dates.to_day("2024-12-01") - drawn("admission", 1000)
    condition = [list(CONDITIONS)[k] for k in choose(5, "test.condition", np.arange(rows), [*CONDITIONS.values()])]
    gender = ["male" if k else "female" for k in drawn("gender", 2).tolist()]
    columns: dict[str, Any] = {
        "record_name": [f"{'Bob' if g == 'male' else 'Ann'} Family{i:05d}" for i, g in enumerate(gender)],
        "age": (20 + drawn("age", 60)).tolist(),
        "gender": gender,
        "blood_type": [f"{name} type" for name in condition],
        "medical_condition": condition,
        "admission_date": dates.to_isos(first),
        "discharge_date": dates.to_isos(first + 1 + drawn("length", lengths)),
        "doctor": [f"Doctor Family{i:05d}" for i in range(rows)],
        "hospital": [f"Hospital {i:05d}" for i in range(rows)],
        "insurance_provider": [DRUGS[k] for k in drawn("insurer", 5).tolist()],
        "billing_amount": (np.exp(drawn("amount", 70_000) / 10_000) * 10).round(2).tolist(),
        "room_number": (101 + drawn("room", 300)).tolist(),
        "admission_type": [DRUGS[k] for k in drawn("type", 4).tolist()],
        "medication": [f"{DRUGS[k]} for {c}" for k, c in zip(drawn("drug", 5).tolist(), condition, strict=True)],
        "test_results": [f"{DRUGS[k]} in {c}" for k, c in zip(drawn("result", 5).tolist(), condition, strict=True)],
    }
    types = SOURCES["health"].columns
    return FileTable(Origin("health", "h.csv", "0" * 64), Report(read=rows), types, pa.table(columns))


def four_of_each(table: FileTable, faces: Any = None, packs: Sequence[Path] = (), **settings: Any) -> Made:
    """The four values of everyone for each question whose answer is a column of the file, the true one first."""
    folder = "folder" if faces else "none"
    config = make_config({"faces": folder, "health": "h.csv", "identities": PEOPLE, "holdout": 0, **settings})
    opened = open_sources(make_config({"faces": "none"}))
    sources = Sources({**opened.tables, "health": table}, faces)
    profiles = Profiles(config, sources, read_packs(packs))
    block = Block.of(make_plan(config, sources), 0, PEOPLE)
    facts, perturber = profiles.facts(block), Perturber(profiles)
    made = {"gender": [[value] for value in block.people.gender]}
    for attribute in profiles.asked:
        if attribute.origin.kind == "from" and attribute.origin.options.startswith(("health.", "person.")):
            wrong = perturber.wrong(attribute, block, facts).values
            truth = facts[attribute.name].values
            made[attribute.name] = [[own, *others] for own, others in zip(truth, wrong, strict=True)]
    return made


@pytest.mark.parametrize("match", ["gender+age", "gender", "none"])
@pytest.mark.parametrize("more", [0, 100])
def test_nobody_with_a_face_has_a_wrong_value_that_is_true_of_another(tmp_path: Path, match: str, more: int) -> None:
    """Faces are given records of their gender and age, so other rows are left than without faces."""
    lines = ["file,gender,age"]
    for i in range(PEOPLE + more):
        pixels = below(draw(i, "test.picture", np.arange(81), words=3), 256).astype(np.uint8).reshape(9, 9, 3)
        Image.fromarray(pixels).resize((128, 128)).save(tmp_path / f"{i:08d}.jpg")
        lines.append(f"{i:08d}.jpg,{('female', 'female', 'male')[i % 3]},{(24, 35, 50)[i % 3]}")
    (tmp_path / "faces.csv").write_text("\n".join(lines))
    found = four_of_each(health_table(20 * PEOPLE), read_faces(tmp_path), names="record", match=match)
    for name in ("full_name", "doctor", "hospital"):
        true = {values[0] for values in found[name]}
        assert not true & {wrong for _, *others in found[name] for wrong in others}


@pytest.fixture(scope="module")
def made() -> Made:
    return four_of_each(health_table(4 * PEOPLE), names="record", questions=25)


@pytest.mark.parametrize("name", ["doctor", "hospital"])
def test_values_of_one_row_are_those_of_rows_that_nobody_has(made: Made, name: str) -> None:
    """With four rows for each, none is given out twice: nobody can rule one out as being somebody else's."""
    every = [value for values in made[name] for value in values]
    assert len(set(every)) == 4 * PEOPLE


def test_where_the_file_is_too_short_they_are_given_out_again() -> None:
    doctors = four_of_each(health_table(PEOPLE + 10))["doctor"]
    assert all(len(set(values)) == 4 for values in doctors)


def test_names_of_records_are_of_the_same_gender() -> None:
    made = four_of_each(health_table(5 * PEOPLE), names="record")  # at least four for each of either gender
    for (gender,), names in zip(made["gender"], made["full_name"], strict=True):
        assert {name.split()[0] for name in names} == {"Bob" if gender == "male" else "Ann"}
    assert len({name for names in made["full_name"] for name in names}) == 4 * PEOPLE


def test_frequent_values_are_frequent(made: Made) -> None:
    """A value among the four is the true one as often as any other, so each is as often wrong as three times true."""
    four = made["medical_condition"]
    assert all(len(set(values)) == 4 for values in four)
    offered, true = Counter(value for values in four for value in values), Counter(values[0] for values in four)
    assert offered["asthma"] == PEOPLE  # more than a quarter: among the four of everybody
    assert offered["shingles"] < offered["gout"] / 2
    for name in ("migraine", "gout", "lupus", "anemia"):
        share = true[name] / offered[name]
        assert abs(share - 0.25) < 4 * (0.25 * 0.75 / offered[name]) ** 0.5


@pytest.mark.parametrize("name", ["medication", "test_results"])
def test_what_goes_with_another_column_fits_it(made: Made, name: str) -> None:
    for condition, values in zip(made["medical_condition"], made[name], strict=True):
        assert len(set(values)) == 4
        assert all(value.endswith(condition[0]) for value in values)


def test_stays_are_as_long_as_those_of_other_rows(made: Made) -> None:
    places = Counter[tuple[str, int]]()
    for admitted, left in zip(made["admission_date"], made["discharge_date"], strict=True):
        lengths = [dates.to_day(day) - dates.to_day(admitted[0]) for day in left]
        backwards = [dates.to_day(left[0]) - dates.to_day(day) for day in admitted]
        for which, days in (("discharge", lengths), ("admission", backwards)):
            assert len(set(days)) == 4 and 1 <= min(days) <= max(days) <= 20
            places[which, sum(other < days[0] for other in days)] += 1
    assert all(places[which, k] > 25 - 4 * 4.33 for which in ("discharge", "admission") for k in range(4))


def test_where_all_stays_are_as_long_those_near_stand_in() -> None:
    made = four_of_each(health_table(4 * PEOPLE, lengths=1))
    for admitted, left in zip(made["admission_date"], made["discharge_date"], strict=True):
        lengths = sorted(dates.to_day(day) - dates.to_day(admitted[0]) for day in left)
        assert lengths == [1, 2, 3, 4]


def test_amounts_are_those_of_other_rows_by_rank() -> None:
    """Ordered values are near in rank, not in dollars: the amounts are skewed."""
    table, places, ranks = health_table(1000), Counter[int](), dict[str, float]()
    ranked = sorted(table.array("billing_amount").tolist())
    for distance in ("near", "far"):
        four = four_of_each(table, distance=distance)["billing_amount"]
        assert all(set(values) <= set(ranked) for values in four)
        away = [abs(ranked.index(wrong) - ranked.index(own)) for own, *others in four for wrong in others]
        ranks[distance] = float(np.mean(away)) / len(ranked)
        places.update(sum(other < values[0] for other in values) for values in four)
    assert ranks["near"] < 1 / 12 and ranks["far"] > 1 / 4
    assert all(places[k] > 50 - 4 * 6.2 for k in range(4))
