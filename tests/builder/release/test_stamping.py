"""The version in Parquet files: filled in without a change of anything else."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fiubench.builder.release import package
from fiubench.builder.release.columns import Column, identity_columns
from fiubench.builder.release.stamping import stamp, version_of
from fiubench.support.errors import DatasetError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.builder.release.release_samples import make_dataset

_PARTS = st.integers(0, 999_999)
VERSIONS = st.builds("v{}.{}.{}".format, _PARTS, _PARTS, _PARTS)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Path], list[Column]]:
    """A file of questions and one of identities, and the columns of the latter."""
    directory = tmp_path_factory.mktemp("stamping") / "dataset"
    manifest = make_dataset(directory)
    package(directory, manifest)
    data = directory / "release" / "data"
    files = {
        "questions": next(iter(sorted(data.glob("retain*.parquet")))),
        "people": data.parent / "people" / "benchmark-00000.parquet",
    }
    return files, identity_columns(True, manifest["attributes"])


@pytest.mark.parametrize("kind", ["questions", "people"])
@given(first=VERSIONS, second=VERSIONS)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_only_the_version_differs(built, tmp_path_factory, kind: str, first: str, second: str) -> None:
    files, columns = built
    folder = tmp_path_factory.mktemp("stamped")
    assert version_of(files[kind]) == ""
    stamp(files[kind], folder / "first", first, columns)
    stamp(folder / "first", folder / "second", second, columns)
    stamp(files[kind], folder / "at once", second, columns)
    assert version_of(folder / "first") == first
    assert version_of(folder / "second") == second
    assert (folder / "second").read_bytes() == (folder / "at once").read_bytes()
    before, after = (pq.read_table(path) for path in (files[kind], folder / "second"))
    if kind == "people":
        assert set(after["dataset_version"].to_pylist()) == {second}
        before, after = before.drop(["dataset_version"]), after.drop(["dataset_version"])
    assert before.equals(after)
    assert pq.read_metadata(files[kind]).num_row_groups == pq.read_metadata(folder / "second").num_row_groups


def test_a_file_of_another_program_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"question": ["Who?"]}), tmp_path / "a.parquet")
    assert version_of(tmp_path / "a.parquet") == ""
    with pytest.raises(DatasetError, match="has no room for a version"):
        stamp(tmp_path / "a.parquet", tmp_path / "b.parquet", "v1.0.0", [])
