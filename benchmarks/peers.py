"""Peers side by side, each at the same work in one run; what is not installed is left out.

    python benchmarks/peers.py [PEOPLE]      by default 1,000

CPU seconds per 1,000 people: 20 facts a person as JSON, by Faker, mimesis and fiubench; records against their schema,
by jsonschema and by what fiubench uses; rows of questions as Parquet, by datasets and by fiubench.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson
from fiubench.builder.dataset.cells import make_cells
from fiubench.builder.dataset.rows import question_values
from fiubench.builder.generation.identities import IdentityMaker
from fiubench.builder.generation.inputs import open_inputs
from fiubench.builder.generation.profiles import Block
from fiubench.builder.release.parquet import ParquetFiles

from fiubench import make_config, schemas

_FAKER = (
    "name", "date_of_birth", "address", "phone_number", "job", "random_int", "ssn",
    "company", "email", "user_name", "license_plate", "iban", "city", "zipcode",
    "state", "country", "color_name", "currency_code", "credit_card_number", "sentence",
)  # fmt: skip


def timed(work: Callable[[], object]) -> float:
    """CPU seconds of some work."""
    began = time.process_time()
    work()
    return time.process_time() - began


def faker(people: int) -> Callable[[], object]:
    from faker import Faker  # noqa: PLC0415

    fake = Faker("en_US")
    return lambda: [orjson.dumps({name: str(getattr(fake, name)()) for name in _FAKER}) for _ in range(people)]


def mimesis(people: int) -> Callable[[], object]:
    from mimesis import Generic  # noqa: PLC0415
    from mimesis.locales import Locale  # noqa: PLC0415

    g = Generic(Locale.EN)
    makers = (
        g.person.full_name, g.person.birthdate, g.address.address, g.person.phone_number, g.person.occupation,
        g.person.weight, g.person.identifier, g.finance.company, g.person.email, g.person.username, g.person.height,
        g.payment.credit_card_number, g.address.city, g.address.zip_code, g.address.state, g.address.country,
        g.person.blood_type, g.finance.currency_iso_code, g.person.nationality, g.text.sentence,
    )  # fmt: skip
    return lambda: [orjson.dumps({str(k): str(make()) for k, make in enumerate(makers)}) for _ in range(people)]


def facts(maker: IdentityMaker, people: int) -> None:
    """Facts alone, without questions."""
    columns = maker.profiles.facts(Block.of(maker.plan, 0, people))
    for row in zip(*(column.text for column in columns.values()), strict=True):
        orjson.dumps(dict(zip(columns, row, strict=True)))


def jsonschema(records: list[dict[str, Any]]) -> Callable[[], object]:
    from jsonschema import Draft202012Validator  # noqa: PLC0415

    valid = Draft202012Validator(schemas.load("identity")).is_valid
    return lambda: [valid(record) for record in records]


def datasets_rows(records: list[dict[str, Any]], folder: Path) -> Callable[[], object]:
    from datasets import Dataset, disable_progress_bars  # noqa: PLC0415

    disable_progress_bars()
    rows = [question_values(record, pair) for record in records for pair in record["qa_list"]]
    return lambda: Dataset.from_list(rows).to_parquet(folder / "theirs.parquet")


def tables(records: list[dict[str, Any]], folder: Path) -> None:
    """The questions and the people of a release."""
    files = ParquetFiles(folder, make_cells({}), [], has_images=False)
    for record in records:
        files.add(record, [])
    files.close()


def compared(people: int, folder: Path) -> Iterator[tuple[str, str, float]]:
    """Work, who does it, CPU seconds."""
    inputs = open_inputs(make_config({"faces": "none", "identities": people + 1000, "holdout": 0}))
    maker = IdentityMaker(inputs.plan(), inputs.attributes)
    facts(maker, 10)
    records = maker.make(0, people)
    valid = schemas.is_valid("identity")
    work = "20 facts a person as JSON"
    for name, make in (("faker", faker), ("mimesis", mimesis)):
        if find_spec(name):
            yield work, name, timed(make(people))
    yield work, "fiubench, facts alone", timed(lambda: facts(maker, people))
    yield work, "fiubench, whole records", timed(lambda: [orjson.dumps(r) for r in maker.make(0, people)])
    if find_spec("jsonschema"):
        few = records[:50]
        yield "records by their schema", "jsonschema", timed(jsonschema(few)) * people / len(few)
    yield "records by their schema", "fiubench (jsonschema-rs)", timed(lambda: [valid(record) for record in records])
    if find_spec("datasets"):
        write = datasets_rows(records, folder)
        write()  # what is imported once
        yield "rows of questions as Parquet", "datasets.to_parquet", timed(write)
    yield "rows of questions as Parquet", "fiubench, people too", timed(lambda: tables(records, folder))


def main() -> None:
    """Print a line for each."""
    people = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    print(f"{'CPU seconds per 1,000 people':64}{people:,} people".rstrip())
    with tempfile.TemporaryDirectory(prefix="fiubench-bench-") as folder:
        for work, who, spent in compared(people, Path(folder)):
            print(f"{work:32}{who:32}{spent / people * 1000:18.3f}", flush=True)


if __name__ == "__main__":
    main()
