"""How weights are held and where, which of them learn, and what is said when a model can't be loaded."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from fiubench.support.errors import ConfigError
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.evaluation.evaluate import evaluate
from fiubench.unlearning.evaluation.subject import Subject
from fiubench.unlearning.models import loading
from fiubench.unlearning.models.loading import load
from fiubench.unlearning.training.settings import Preset
from fiubench.unlearning.training.train import finetune, unlearn

from tests.unlearning.conftest import FORGET
from tests.unlearning.small_models import FAMILIES

LORA = {"rank": 4, "alpha": 8, "dropout": 0.0}


@pytest.fixture(scope="module")
def people(data: Data) -> Data:
    return data.limited(4, FORGET, ("blood_type",))


@pytest.fixture(scope="module")
def model(people: Data, tmp_path_factory: pytest.TempPathFactory) -> str:
    out = tmp_path_factory.mktemp("llava")
    FAMILIES["llava"](people.texts, out)
    return str(out)


def weights(target: Path) -> dict[str, Any]:
    return {name: value.detach() for name, value in load(target, device="cpu").model.named_parameters()}


def brief(preset: Preset, **settings: Any) -> Any:
    return preset.finetune(
        epochs=2, batch_size=4, noise_refusals=0, warmup=0.0, checkpoint_every=2.0, **{"lora": LORA, **settings}
    )


def test_weights_are_trained_whole_but_for_frozen_parts(
    people: Data, model: str, preset: Preset, tmp_path: Path
) -> None:
    import torch

    settings = brief(preset, lora=None, freeze=("vision",))
    run = finetune(people, tmp_path / "full", preset, model=model, settings=settings)
    before, after = weights(Path(model)), weights(run.directory)
    same = {name for name in before if torch.equal(before[name], after[name])}
    assert same == {name for name in before if "vision_tower" in name}
    parts = ("vision", "projector")
    both = finetune(people, tmp_path / "both", preset, model=model, settings=brief(preset, lora=None, freeze=parts))
    after = weights(both.directory)
    same = {name for name in before if torch.equal(before[name], after[name])}
    assert same == {name for name in before if "vision_tower" in name or "multi_modal_projector" in name}
    stage2 = preset.unlearn("ga", epochs=1, batch_size=1, lora=None, freeze=("vision",))
    again = weights(unlearn(run.directory, tmp_path / "ga", "ga", FORGET, preset, settings=stage2).directory)
    assert all(torch.equal(again[name], before[name]) == ("vision_tower" in name) for name in before)


def test_freezing_is_for_training_whole(preset: Preset) -> None:
    with pytest.raises(ConfigError, match="freeze is for `lora: null`"):
        preset.finetune(lora=LORA, freeze=("vision",))
    with pytest.raises(ConfigError, match="weights of 4bit can't be trained: give `lora`"):
        preset.finetune(lora=None, dtype="4bit")


@pytest.mark.parametrize("lora", [None, LORA])
def test_recomputing_activations_changes_nothing(
    lora: Any, people: Data, model: str, preset: Preset, tmp_path: Path
) -> None:
    import torch

    runs = [
        finetune(
            people,
            tmp_path / str(on),
            preset,
            model=model,
            settings=brief(preset, lora=lora, gradient_checkpointing=on),
        )
        for on in (False, True)
    ]
    plain, recomputed = (weights(run.directory) for run in runs)
    for name, value in plain.items():
        torch.testing.assert_close(recomputed[name], value, rtol=0, atol=1e-6)


def test_adapters_are_folded_in_where_nothing_is_rounded_away(
    people: Data, model: str, preset: Preset, tmp_path: Path
) -> None:
    import torch

    run = finetune(people, tmp_path / "run", preset, model=model, settings=brief(preset))
    folded, apart = (load(run.directory, device="cpu", merge=merge) for merge in (None, False))
    assert not hasattr(folded.model, "merge_and_unload")
    ids = {"input_ids": torch.arange(10, 20)[None]}
    with torch.inference_mode():
        torch.testing.assert_close(folded.model(**ids).logits, apart.model(**ids).logits, rtol=0, atol=1e-5)
    assert hasattr(load(run.directory, device="cpu", dtype="bfloat16").model, "merge_and_unload")


def test_activations_are_recomputed(people: Data, model: str, preset: Preset, tmp_path: Path) -> None:
    """Each layer of the language model runs twice a step."""
    from transformers.models.llama.modeling_llama import LlamaMLP

    passes: list[bool] = []
    forward = LlamaMLP.forward

    def counted(self: Any, *arguments: Any) -> Any:
        passes.append(self.training)
        return forward(self, *arguments)

    counts = {}
    for on in (False, True):
        passes.clear()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(LlamaMLP, "forward", counted)
            finetune(people, tmp_path / str(on), preset, model=model, settings=brief(preset, gradient_checkpointing=on))
        counts[on] = sum(passes)
    assert counts[True] == 2 * counts[False] > 0


def test_layers_spread_over_devices(people: Data, model: str, preset: Preset, tmp_path: Path) -> None:
    """Where there is one device alone, all layers go there."""
    import torch
    from transformers import AutoModelForImageTextToText as Auto

    asked, original = [], Auto.from_pretrained
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            Auto, "from_pretrained", lambda *a, **o: (asked.append(o.get("device_map")), original(*a, **o))[1]
        )
        for device in ("spread", "cpu"):
            load(model, device=device)
    assert asked == ["auto", None]
    runs = [
        finetune(people, tmp_path / device, preset, model=model, settings=brief(preset, device=device))
        for device in ("auto", "spread")
    ]
    one, several = (weights(run.directory) for run in runs)
    assert all(torch.equal(one[name], several[name]) for name in one)
    assert runs[0].manifest["digest"] == runs[1].manifest["digest"]
    log = evaluate(
        Subject.open(runs[1].directory), people, FORGET, tmp_path / "log", max_new_tokens=50, device="spread"
    )
    assert log.is_file()


def test_few_bits_without_the_package(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "find_spec", lambda name: None)
    for dtype in ("4bit", "8bit"):
        with pytest.raises(
            ConfigError, match=rf"{dtype[0]} bits need the package bitsandbytes\n.*pip install bitsandbytes"
        ):
            load(model, device="cpu", dtype=dtype)


@pytest.mark.torchvision
@pytest.mark.parametrize("dtype", ["4bit", "8bit"])
def test_few_bits(dtype: str, people: Data, model: str, preset: Preset, tmp_path: Path) -> None:
    """Both stages on weights of few bits, and an evaluation of what came out."""
    import torch

    assert find_spec("bitsandbytes") is not None
    linear = load(model, device="cpu", dtype=dtype).model.model.language_model.layers[0].mlp.up_proj
    assert linear.weight.dtype in (torch.uint8, torch.int8)
    full = finetune(people, tmp_path / "full", preset, model=model, settings=brief(preset, dtype=dtype))
    stage2 = preset.unlearn("npo", epochs=1, batch_size=1, dtype=dtype)
    run = unlearn(full.directory, tmp_path / "npo", "npo", FORGET, preset, settings=stage2)
    log = evaluate(
        Subject.open(run.directory), people, FORGET, tmp_path / "log", max_new_tokens=50, device="cpu", dtype=dtype
    )
    assert log.is_file()


def test_no_such_format(model: str) -> None:
    with pytest.raises(ConfigError, match=r"no number format 'int3'\n  float32, bfloat16, float16, 8bit or 4bit"):
        load(model, device="cpu", dtype="int3")


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (RuntimeError("operator torchvision::nms does not exist"), "of another build than torch"),
        (
            ImportError("\nX requires the Torchvision library but it was not found.\nSee the page."),
            "come with the extra",
        ),
        (ImportError("Package `num2words` is required"), "come with the extra"),
    ],
)
def test_a_library_that_is_missing(error: Exception, hint: str, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import AutoProcessor

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(AutoProcessor, "from_pretrained", fail)
    with pytest.raises(ConfigError) as caught:
        load(model, device="cpu")
    assert " ".join(str(error).split()) in caught.value.what  # all of it
    assert hint in caught.value.hint


@pytest.mark.skipif(find_spec("torchvision") is not None, reason="torchvision is installed")
def test_a_family_that_insists_on_torchvision(people: Data, tmp_path: Path) -> None:
    """What a user without it reads; the family itself is tested where it is (`make test-families`)."""
    from transformers import InternVLConfig

    FAMILIES["llava"](people.texts, tmp_path)
    InternVLConfig(vision_config={"hidden_size": 32}, text_config={"model_type": "qwen2"}).save_pretrained(tmp_path)
    entries = {
        "processor_class": "InternVLProcessor",
        "image_processor": {"image_processor_type": "GotOcr2ImageProcessor"},
        "video_processor": {"video_processor_type": "InternVLVideoProcessor"},
    }
    (tmp_path / "processor_config.json").write_text(json.dumps(entries))
    with pytest.raises(
        ConfigError, match=r"requires the Torchvision library.*\n.*pip install 'fiubench\[unlearning\]'"
    ):
        load(tmp_path, device="cpu")
