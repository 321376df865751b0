"""What a processor doesn't say of itself is filled in, and what doesn't fit is said before the first step."""

import json
from pathlib import Path
from typing import Any

import pytest
from fiubench.support.errors import ConfigError
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.runs import RunError
from fiubench.unlearning.evaluation.evaluate import evaluate
from fiubench.unlearning.evaluation.subject import Subject
from fiubench.unlearning.models.encoding import Encoder, Turn
from fiubench.unlearning.models.loading import load
from fiubench.unlearning.models.settings import Processing
from fiubench.unlearning.training.settings import Preset
from fiubench.unlearning.training.train import finetune, unlearn

from tests.unlearning.conftest import FORGET
from tests.unlearning.small_models import FAMILIES

# As a language model's: a message is one string, and the question ends where the answer begins
PHI = (
    "{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') %}"
    "{{'<|user|>' + '\n' + message['content'] + '</s>' + '\n' + '<|assistant|>' + '\n'}}"
    "{% elif (message['role'] == 'assistant') %}{{message['content'] + '</s>' + '\n'}}{% endif %}{% endfor %}"
)
LORA = {"rank": 4, "alpha": 8, "dropout": 0.0}


def edit(path: Path, **changes: Any) -> None:
    """Change entries of a JSON file; None takes one out."""
    entries = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({name: value for name, value in entries.items() if value is not None}))


def of_2026(data: Data, folder: Path) -> Path:
    FAMILIES["llava"](data.texts, folder)
    return folder


def of_2024(data: Data, folder: Path) -> Path:
    """Template in tokenizer_config.json; the measures of pictures are the model's alone."""
    of_2026(data, folder)
    (folder / "chat_template.jinja").unlink()
    edit(folder / "tokenizer_config.json", chat_template=PHI)
    pictures = json.loads((folder / "processor_config.json").read_text()).pop("image_processor")
    (folder / "preprocessor_config.json").write_text(json.dumps(pictures))
    names = ("patch_size", "vision_feature_select_strategy", "num_additional_image_tokens", "image_processor")
    edit(folder / "processor_config.json", **dict.fromkeys(names))
    return folder


@pytest.mark.parametrize("style", [of_2026, of_2024])
def test_folders_of_both_styles_train(style: Any, data: Data, preset: Preset, tmp_path: Path) -> None:
    people = data.limited(4, FORGET, ("blood_type",))
    model = style(people, tmp_path / "model")
    settings = preset.finetune(epochs=2, batch_size=4, noise_refusals=0, checkpoint_every=2.0, lora=LORA)
    full = finetune(people, tmp_path / "full", preset, model=str(model), settings=settings)
    run = unlearn(full.directory, tmp_path / "kl", "kl", FORGET, preset, settings={"epochs": 1.0, "batch_size": 1})
    log = evaluate(Subject.open(run.directory), people, FORGET, tmp_path / "log", max_new_tokens=50, device="cpu")
    assert log.is_file()


def test_both_styles_give_the_same_pictures_and_answers(data: Data, tmp_path: Path) -> None:
    import torch

    turn = Turn("Who is this?", data.image(data.ids(FORGET)[0]), "Nobody.")
    made = {}
    for style in (of_2024, of_2026):
        loaded = load(style(data, tmp_path / style.__name__), device="cpu")
        encoder = Encoder(loaded.processor)
        made[style], image = encoder([turn]), encoder.tokenizer.convert_tokens_to_ids("<image>")
        assert int((made[style]["input_ids"] == image).sum()) == 4
        scored = made[style]["labels"] != -100
        assert encoder.tokenizer.decode(made[style]["labels"][scored]) == "Nobody.</s>"
    old = made[of_2024]
    assert torch.equal(old["pixel_values"], made[of_2026]["pixel_values"])
    assert Encoder(load(tmp_path / "of_2024", device="cpu").processor)._text(turn)[0] == (
        "<s><|user|>\n<image>\nWho is this?</s>\n<|assistant|>\nNobody.</s>"
    )


def test_a_class_token_is_counted(data: Data, tmp_path: Path) -> None:
    """Between 2024 and 2026: a patch size, but nothing about further tokens."""
    of_2026(data, tmp_path)
    edit(tmp_path / "processor_config.json", num_additional_image_tokens=None)
    assert load(tmp_path, device="cpu").processor.num_additional_image_tokens == 1


def test_no_chat_template(data: Data, preset: Preset, tmp_path: Path) -> None:
    model = of_2026(data, tmp_path / "model")
    (model / "chat_template.jinja").rename(tmp_path / "mine.jinja")
    settings = {"epochs": 0.1, "lora": LORA, "noise_refusals": 0}
    with pytest.raises(ConfigError, match=r"no chat template\n.*chat_template: FILE\.jinja"):
        finetune(data, tmp_path / "run", preset, model=str(model), settings=settings)
    given = {"chat_template": str(tmp_path / "mine.jinja")}
    run = finetune(data, tmp_path / "given", preset, model=str(model), settings={**settings, "processing": given})
    assert Encoder(load(run.directory, device="cpu").processor)  # the run has it for itself
    (tmp_path / "mine.jinja").write_text((tmp_path / "mine.jinja").read_text() + " ")
    with pytest.raises(RunError, match="holds another run"):
        finetune(data, tmp_path / "given", preset, model=str(model), settings={**settings, "processing": given})
    with pytest.raises(ConfigError, match="can't be read"):
        load(model, device="cpu", processing=Processing(chat_template=str(tmp_path / "none.jinja")))


def test_a_chat_template_without_pictures(data: Data, tmp_path: Path) -> None:
    loaded = load(of_2026(data, tmp_path), device="cpu")
    loaded.processor.chat_template = (
        "{% for m in messages %}{% for p in m['content'] %}{{ p['text'] }}{% endfor %}{% endfor %}"
    )
    with pytest.raises(ConfigError, match=r"its chat template writes no <image> for a picture\n.*chat_template"):
        Encoder(loaded.processor)([Turn("Who?", data.image(data.ids(FORGET)[0]), "Nobody.")])


def test_a_patch_size_that_nobody_says(data: Data, tmp_path: Path) -> None:
    loaded = load(of_2026(data, tmp_path), device="cpu")
    loaded.processor.patch_size = None
    with pytest.raises(ConfigError, match=r"says the patch_size\n.*processing: \{patch_size: 14\}"):
        Encoder(loaded.processor)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"patch_size": 8}, r"(?s)don't fit together.*writes 16 tokens for the picture \(patch_size 8.*processing"),
        ({"vision_feature_select_strategy": "full"}, r"(?s)don't fit together.*writes 5 tokens.*strategy full"),
    ],
)
def test_what_does_not_fit_is_said_before_the_first_step(
    changes: dict[str, Any], message: str, data: Data, preset: Preset, tmp_path: Path
) -> None:
    model = of_2026(data, tmp_path / "model")
    edit(model / "processor_config.json", **changes)
    settings = {"epochs": 0.1, "lora": LORA, "noise_refusals": 0}
    with pytest.raises(ConfigError, match=message):
        finetune(data, tmp_path / "run", preset, model=str(model), settings=settings)
    right = {"patch_size": 16, "vision_feature_select_strategy": "default"}
    finetune(data, tmp_path / "given", preset, model=str(model), settings={**settings, "processing": right})


def test_what_does_not_fit_is_said_before_an_evaluation(data: Data, tmp_path: Path) -> None:
    people = data.limited(4, FORGET, ("blood_type",))
    model = of_2026(people, tmp_path / "model")
    edit(model / "processor_config.json", patch_size=8)
    with pytest.raises(ConfigError, match=r"(?s)don't fit together.*writes 16 tokens for the picture"):
        evaluate(Subject.open(model), people, FORGET, tmp_path / "log", device="cpu")


def test_a_measure_that_the_processor_does_not_have(data: Data, tmp_path: Path) -> None:
    FAMILIES["mllama"](data.texts, tmp_path)
    with pytest.raises(ConfigError, match="MllamaProcessor has no patch_size"):
        load(tmp_path, device="cpu", processing=Processing(patch_size=14))
