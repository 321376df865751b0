from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fiubench.support.errors import DatasetError
from fiubench.unlearning.data import log as logs

from tests.unlearning import sample_logs

ROOT = Path(__file__).resolve().parents[3]


def test_a_log_comes_back_as_it_was(tmp_path: Path) -> None:
    log = sample_logs.refusing()
    path = tmp_path / "log.parquet"
    logs.write_log(path, log.rows, {"base_model": "tiny", **log.metadata})
    again = logs.read_log(path)
    assert list(again.rows) == list(log.rows)  # log-probabilities are float32 in both
    assert again.metadata["base_model"] == "tiny"
    assert logs.read_metadata(path) == again.metadata
    assert again.controls == []
    assert len(again.select("forget")) == 8


def test_other_files_are_no_logs(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no such log"):
        logs.read_log(tmp_path / "none.parquet")
    text = tmp_path / "text.parquet"
    text.write_text("x")
    with pytest.raises(DatasetError, match="not a Parquet file"):
        logs.read_log(text)
    table = tmp_path / "table.parquet"
    pq.write_table(pa.table({"a": [1]}), table)
    with pytest.raises(DatasetError, match="not a log"):
        logs.read_log(table)


def test_a_log_of_another_format_or_with_a_column_lost_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    logs.write_log(path, sample_logs.perfect().rows, {"format": 99})
    with pytest.raises(DatasetError, match="log format 99"):
        logs.read_log(path)
    logs.write_log(path, sample_logs.perfect().rows, {})
    pq.write_table(pq.read_table(path).drop_columns(["keywords"]), path)
    with pytest.raises(DatasetError, match="no column 'keywords'"):
        logs.read_log(path)


def test_a_log_that_is_older_than_a_column_has_null_in_it(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    log = sample_logs.perfect()
    logs.write_log(path, [{**row, "generated_logprobs": [-1.0]} for row in log.rows], {})
    assert logs.read_log(path).rows[0]["generated_logprobs"] == [-1.0]
    pq.write_table(pq.read_table(path).drop_columns(["generated_logprobs"]), path)
    assert list(logs.read_log(path).rows) == list(log.rows)


def test_every_column_is_explained() -> None:
    page = (ROOT / "docs" / "evaluation.md").read_text()
    for column in logs.COLUMNS:
        assert f"`{column.name}`" in page
