"""Two builds in one folder: the second one, which waited for the lock, does not build over what the first finished."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import fiubench.builder.pipeline.build as pipeline
import pytest
from fiubench.support.errors import DatasetError

import fiubench

SMALL = {"identities": 20, "holdout": 0, "ratios": [10], "faces": "none"}


def test_what_finished_meanwhile_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = pipeline.held

    @contextmanager
    def waited(lock: Path, refusal: DatasetError) -> Iterator[None]:
        monkeypatch.setattr(pipeline, "held", held)
        fiubench.build(SMALL, tmp_path / "out")
        with held(lock, refusal):
            yield

    monkeypatch.setattr(pipeline, "held", waited)
    with pytest.raises(DatasetError, match="another build has just finished in this folder"):
        fiubench.build({**SMALL, "seed": 5}, tmp_path / "out")
    assert not (tmp_path / "out" / ".build").exists()
    assert fiubench.open_dataset(tmp_path / "out").manifest["config"]["seed"] == 0
