"""Number formats: what learns is float32, so that small steps are not lost, whatever the frozen weights are."""

from pathlib import Path
from typing import Any

import pytest
import torch
from fiubench.support.errors import ConfigError
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.runs import MANIFEST
from fiubench.unlearning.models.encoding import Encoder, Turn
from fiubench.unlearning.models.likelihood import negative_log_likelihood
from fiubench.unlearning.models.loading import load
from fiubench.unlearning.models.parts import add_lora
from fiubench.unlearning.training import loop
from fiubench.unlearning.training.settings import Preset, Training, preset_names, read_preset
from fiubench.unlearning.training.train import finetune, unlearn

from tests.unlearning.conftest import FORGET
from tests.unlearning.small_models import FAMILIES

STANDS_FOR = {"llava-phi-3-mini": "llava", "llama-3.2-11b-vision": "mllama", "tiny": "llava", "smol-llava": "llava"}
STEPS, RATE = 20, 2e-5  # of FIUBench, table 7


def settings_of(preset: Preset) -> list[Training]:
    return [preset.finetune(), *(preset.unlearn(method) for method in ("ga", "gd", "kl", "po"))]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("name", preset_names())
def test_every_preset_trains_float32(name: str, dtype: str, small: Data, tmp_path: Path) -> None:
    FAMILIES[STANDS_FOR[name]](small.texts, tmp_path)
    adapters = {settings.lora for settings in settings_of(read_preset(name)) if settings.lora is not None}
    assert adapters
    for lora in adapters:
        model = add_lora(load(tmp_path, device="cpu", dtype=dtype), lora)
        learns = {name: value for name, value in model.named_parameters() if value.requires_grad}
        assert any("projector" in name for name in learns)
        assert {value.dtype for value in learns.values()} == {torch.float32}
        assert getattr(torch, dtype) in {value.dtype for value in model.parameters() if not value.requires_grad}


@pytest.fixture
def before(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, dict[str, torch.Tensor]]]:
    """Adapted models of the trainings that follow, with what their trained weights were at the start."""
    models = []

    def noted(*arguments: Any) -> Any:
        model = add_lora(*arguments)
        models.append((model, {n: p.detach().clone() for n, p in model.named_parameters() if p.requires_grad}))
        return model

    monkeypatch.setattr(loop, "add_lora", noted)
    return models


@pytest.mark.parametrize("family", ["llava", "mllama"])
def test_bfloat16_learns_as_float32_does(
    family: str, small: Data, preset: Preset, tmp_path: Path, before: list[tuple[Any, dict[str, torch.Tensor]]]
) -> None:
    FAMILIES[family](small.texts, tmp_path / "model")
    changed, curves = [], []
    for dtype in ("float32", "bfloat16"):
        settings = preset.finetune(
            epochs=STEPS / 8, learning_rate=RATE, batch_size=8, schedule="constant", warmup=0.0, dtype=dtype,
            lora={"rank": 8, "alpha": 16, "dropout": 0.0}, noise_refusals=0, checkpoint_every=0.1, keep="all",
        )  # fmt: skip
        run = finetune(small, tmp_path / dtype, preset, model=str(tmp_path / "model"), settings=settings)
        model, start = before[-1]
        now = dict(model.named_parameters())
        changed.append({name: now[name].detach() != value for name, value in start.items()})
        curves.append([entry["losses"]["loss"] for entry in run.manifest["checkpoints"]])
        assert run.manifest["checkpoints"][-1]["step"] == STEPS
    for name, expected in changed[0].items():
        share = changed[1][name][expected].float().mean().item()  # a gradient may be 0 in bfloat16 alone
        assert share > 0.99 or not expected.any(), (name, share)
        if family == "llava":  # the gates of a new mllama's cross-attention are closed: nothing behind them learns
            assert bool(expected.all()), name
    assert len(curves[0]) == STEPS
    assert curves[1] == pytest.approx(curves[0], rel=0.05)


@pytest.mark.parametrize("method", ["kl", "npo"])
def test_bfloat16_unlearns(method: str, small: Data, preset: Preset, tmp_path: Path) -> None:
    FAMILIES["llava"](small.texts, tmp_path / "model")
    settings = preset.unlearn(method, epochs=1, dtype="bfloat16")
    run = unlearn(str(tmp_path / "model"), tmp_path / "run", method, FORGET, preset, data=small, settings=settings)
    assert all(entry["losses"]["loss"] is not None for entry in run.manifest["checkpoints"])
    turns = [Turn(s.question, small.image(s.unique_id), s.answer) for s in small.samples(FORGET)]
    losses = []
    for dtype in ("float32", "bfloat16"):
        loaded = load(run.directory, device="cpu", dtype=dtype)
        with torch.no_grad():
            losses.append(float(negative_log_likelihood(loaded.model, Encoder(loaded.processor)(turns)).mean()))
    assert losses[1] == pytest.approx(losses[0], rel=0.02)


def test_float16_says_that_it_needs_a_gpu(small: Data, preset: Preset, tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("has one")
    FAMILIES["llava"](small.texts, tmp_path / "model")
    settings = preset.unlearn("ga", epochs=1, dtype="float16")
    with pytest.raises(ConfigError, match="--dtype: float16 can't be trained in on a CPU"):
        unlearn(str(tmp_path / "model"), tmp_path / "run", "ga", FORGET, preset, data=small, settings=settings)
    assert not (tmp_path / "run" / MANIFEST).exists()  # so that the folder is free for another try


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_short_formats_on_a_gpu(dtype: str, small: Data, preset: Preset, tmp_path: Path) -> None:
    FAMILIES["llava"](small.texts, tmp_path / "model")
    settings = preset.unlearn("ga", epochs=2, dtype=dtype)
    assert unlearn(
        str(tmp_path / "model"), tmp_path / "run", "ga", FORGET, preset, data=small, settings=settings
    ).finished
