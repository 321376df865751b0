"""Whatever is wrong with a file of the user's, it is told as such: no exception but ours, and an end in time.

Each test spoils something valid. ``FIUBENCH_FUZZ`` sets how many examples each tries (40 by default, so that a run of
the tests takes seconds); what was found once stands here as an ``@example``.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from fiubench.builder.packs.attributes import built_in, combine
from fiubench.builder.packs.parse import parse_pack
from fiubench.raw_sources.inspect import inspect
from fiubench.support.errors import FiubenchError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fiubench import audit, build, make_config, open_dataset, validate
from tests.fuzz.mutations import spoilt, spoilt_bytes

ROOT = Path(__file__).resolve().parents[2]
BUDGET = settings(
    max_examples=int(os.environ.get("FIUBENCH_FUZZ", "40")),
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
PACK = yaml.safe_load((ROOT / "examples" / "travel_and_work.yaml").read_text())
CONFIG: dict[str, Any] = {
    "identities": 20, "holdout": 2, "ratios": [10], "seed": 1, "questions": 2, "faces": "none", "as_of": "2025-01-01",
    "split_scheme": "nested", "attributes": [], "image_size": 32, "qa": "template",
}  # fmt: skip
HEALTH = (
    b"Name,Age,Gender,Blood Type,Medical Condition,Date of Admission,Doctor,Hospital,Insurance Provider,"
    b"Billing Amount,Room Number,Admission Type,Discharge Date,Medication,Test Results\n"
    b"bObby jacksOn,30,Male,B-,Cancer,2024-01-31,Matthew Smith,Sons and Miller,Blue Cross,18856.28,328,Urgent,"
    b"2024-02-02,Paracetamol,Normal\n"
    b'LesLie TErRy,62,Female,A+,Obesity,2019-08-20,"Samantha, Davies",Kim Inc,Medicare,33643.33,265,Emergency,'
    b"2019-08-26,Ibuprofen,Inconclusive\n"
) + b"".join(
    b"Some Body%d,4%d,Male,O-,Asthma,2020-05-0%d,A Doctor%d,A Hospital,Aetna,1%d000.5,1%d0,Elective,2020-06-0%d,"
    b"Aspirin,Normal\n" % ((n,) * 7)
    for n in range(1, 10)
)


@contextmanager
def told() -> Iterator[None]:
    """Errors of ours alone may leave the block, in one line or two."""
    try:
        yield
    except FiubenchError as error:
        assert str(error).strip()
        assert "Traceback" not in str(error)


@BUDGET
@given(spoilt(PACK))
def test_packs(document: Any) -> None:
    with told():
        combine([built_in(), parse_pack(document, "p.yaml")])


@BUDGET
@given(spoilt(CONFIG))
@example({**CONFIG, "seed": 10**23})
def test_configs(document: Any) -> None:
    with told():
        make_config(document)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("fuzz") / "dataset"
    build(make_config({**CONFIG, "faces": "embedded"}), out)
    return out


@BUDGET
@given(data=st.data(), name=st.sampled_from(["manifest.json", "splits.json", "identities.jsonl"]))
def test_datasets(built: Path, data: Any, name: str) -> None:
    file = built / name
    kept = file.read_text()
    first = kept.splitlines()[0] if name.endswith("l") else kept
    try:
        changed = data.draw(spoilt(json.loads(first)))
        file.write_text(kept.replace(first, json.dumps(changed), 1))
        with told():
            list(validate(built))
        with told():
            open_dataset(built).rows("forget10")[0]
        with told():
            audit(built, faces=False, attacks=False)
    finally:
        file.write_text(kept)


@BUDGET
@given(content=spoilt_bytes(HEALTH))
def test_tables(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "health.csv").write_bytes(content)
    with told():
        inspect(tmp_path / "health.csv", source="health", as_of="2025-01-01")


@BUDGET
@given(content=spoilt_bytes(b"file,gender,age\na.jpg,female,30\nb.jpg,male,45\n"))
def test_labels_of_faces(tmp_path: Path, content: bytes) -> None:
    from fiubench.raw_sources.reading.labels import read_labels

    (tmp_path / "faces.csv").write_bytes(content)
    with told():
        read_labels(tmp_path / "faces.csv")
