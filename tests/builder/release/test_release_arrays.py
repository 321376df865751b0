"""Arrow arrays built from buffers equal those that pyarrow builds."""

import hashlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fiubench.builder.release import arrays
from fiubench.builder.release.columns import schema
from fiubench.builder.release.parquet import parquet_options, question_columns
from hypothesis import given
from hypothesis import strategies as st

words = st.text(max_size=8)


@given(st.lists(words))
def test_texts(values):
    array = arrays.texts(values)
    array.validate(full=True)
    assert array.equals(pa.array(values, pa.string()))


@given(st.lists(st.binary(max_size=8)))
def test_binaries(values):
    array = arrays.binaries(values)
    array.validate(full=True)
    assert array.equals(pa.array(values, pa.binary()))


@given(st.lists(st.lists(words, max_size=4)))
def test_lists(values):
    array = arrays.lists(values)
    array.validate(full=True)
    assert array.to_pylist() == values
    assert array.type == pa.list_(pa.string())


@given(st.lists(st.tuples(words, st.integers(0, 4))))
def test_repeated(items):
    values = [value for value, count in items for _ in range(count)]
    array = arrays.repeated(values, arrays.texts)
    array.validate(full=True)
    assert array.to_pylist() == values
    assert len(set(array.dictionary.to_pylist())) == len(array.dictionary)


def test_more_than_arrow_can_address_is_an_error(monkeypatch):
    class Huge(bytes):
        def __len__(self) -> int:
            return 1 << 30

    with pytest.raises(OverflowError, match="2 GiB"):
        arrays.binaries([Huge(), Huge()])


def test_equal_values_of_two_people_are_stored_once_and_the_same_way_every_time(tmp_path):
    """A dictionary with a value twice made pyarrow write all rows in full, with random bytes between."""
    (column,) = [c for c in question_columns(has_images=True) if c.name == "gender"]
    seen = set()
    for turn in range(10):
        array = arrays.repeated((["female"] * 20 + ["male"] * 20 + ["female"] * 20) * 5, arrays.texts)
        path = tmp_path / f"{turn}.parquet"
        with pq.ParquetWriter(path, schema([column]), **parquet_options([column])) as writer:
            writer.write_table(pa.table({"gender": array}))
        seen.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(seen) == 1
    assert "RLE_DICTIONARY" in pq.ParquetFile(path).metadata.row_group(0).column(0).encodings
    assert (
        pq.read_table(path)["gender"].to_pylist()
        == ["female"] * 20 + ["male"] * 20 + ["female"] * 20 + (["female"] * 20 + ["male"] * 20 + ["female"] * 20) * 4
    )
