import re
from pathlib import Path

import pytest
from fiubench.support.errors import ConfigError
from fiubench.unlearning.methods.base import METHODS, make_method
from fiubench.unlearning.training.settings import Stop, preset_names, preset_text, read_preset


def test_presets_know_every_method() -> None:
    assert preset_names() == ["llama-3.2-11b-vision", "llava-phi-3-mini", "smol-llava", "tiny"]
    for name in preset_names():
        preset = read_preset(name)
        preset.finetune()
        for method in METHODS:
            make_method(method, preset.unlearn(method).options)


@pytest.mark.parametrize("name", ["llava-phi-3-mini", "llama-3.2-11b-vision"])
def test_the_papers_table_7(name: str) -> None:
    preset = read_preset(name)
    stage1 = preset.finetune()
    assert (stage1.epochs, stage1.learning_rate, stage1.batch_size, stage1.accumulate) == (10, 2e-5, 8, 16)
    assert stage1.lora is not None
    assert (stage1.lora.rank, stage1.lora.alpha, stage1.lora.dropout) == (128, 256, 0.05)
    assert (stage1.lora.language, stage1.lora.projector, stage1.lora.vision) == (True, True, False)
    rates = {method: preset.unlearn(method).learning_rate for method in ("ga", "gd", "kl", "po")}
    assert rates == {"ga": 2e-5, "gd": 2e-5, "kl": 1e-4, "po": 3e-4}
    assert {preset.unlearn(method).epochs for method in rates} == {8}


@pytest.mark.parametrize("name", ["llava-phi-3-mini", "llama-3.2-11b-vision"])
def test_the_papers_models_are_trained_as_released(name: str) -> None:
    preset = read_preset(name)
    settings = {method: preset.unlearn(method) for method in METHODS}
    assert {preset.finetune().reduction, *(each.reduction for each in settings.values())} == {"released"}
    assert settings["kl"].options == {"retain_weight": 1, "kl_over": "all"}
    assert settings["gd"].options == {"retain_weight": 1, "retain_loss": "nll"}
    assert settings["po"].options == {"retain_weight": 1}
    assert [method for method, each in settings.items() if each.stop is not None] == ["ga"]
    assert settings["ga"].stop == Stop(rule="forget-loss", value=10)
    assert preset.unlearn("ga", stop=None).stop is None


def test_presets_say_where_each_value_is_from() -> None:
    for name in preset_names():
        head, _, body = preset_text(name).partition("model:")
        values = [line for line in body.splitlines() if re.match(r"\s+\w+: \S", line)]
        assert len(values) > 15
        for line in values:
            source = re.search(r"# (paper|released|authors|ours)\b", line)
            assert source or "# Every value is ours" in head, line


def test_options_of_preset_and_user_are_joined(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(preset_text("tiny").replace("kl: {options", "kl: {epochs: 2, options"))
    settings = read_preset(str(own)).unlearn("kl", options={"kl_over": "all"})
    assert settings.options == {"retain_weight": 10, "kl_over": "all"}
    assert read_preset("tiny").unlearn("kl", options={"retain_weight": 2}).options["retain_weight"] == 2


def test_what_would_be_ignored_is_an_error() -> None:
    with pytest.raises(ConfigError, match="fine-tuning has no options"):
        read_preset("tiny").finetune(options={"beta": 1})
    with pytest.raises(ConfigError, match="no setting of unlearning"):
        read_preset("tiny").unlearn("ga", noise_refusals=8)


def test_flags_win_and_none_is_not_given() -> None:
    preset = read_preset("tiny")
    assert preset.finetune(epochs=3, batch_size=None).epochs == 3
    assert preset.finetune(epochs=3, batch_size=None).batch_size == preset.finetune().batch_size


def test_memory_and_time_are_not_part_of_the_result() -> None:
    preset = read_preset("tiny")
    plain = preset.finetune(batch_size=16, accumulate=1).fingerprint()
    assert preset.finetune(batch_size=4, accumulate=4, gradient_checkpointing=True, workers=2).fingerprint() == plain
    assert preset.finetune(batch_size=8, accumulate=4).fingerprint() != plain
    everywhere = [preset.unlearn("kl", batch_size=b, accumulate=8 // b, options={"kl_over": "all"}) for b in (8, 4)]
    assert everywhere[0].fingerprint() != everywhere[1].fingerprint()  # another cut has other padding
    assert repr(preset.finetune(epochs=2).fingerprint()) == repr(preset.finetune(epochs=2.0).fingerprint())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "epochs"),
        ({"batch_size": 0}, "batch_size"),
        ({"lora": {"rnak": 3}}, "rnak"),
        ({"stop": {"rule": "sometimes", "value": 1}}, "stop.rule"),
        ({"stop": "soon"}, "stop: should be RULE:VALUE"),
        ({"stop": "below:0.1:2.5"}, "stop: should be RULE:VALUE"),
        ({"stop": "forget-loss:10:4"}, "stop: forget-loss asks about the forget set: leave PEOPLE out"),
        ({"reduction": "mean"}, "reduction: should be 'per_answer' or 'released', not 'mean'"),
    ],
)
def test_values_that_can_not_be(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_preset("tiny").finetune(**changes)


def test_a_rule_to_stop_as_text() -> None:
    preset = read_preset("tiny")
    assert preset.finetune(stop="below:0.1").stop == Stop(rule="below", value=0.1)
    assert preset.finetune(stop="patience:3:4").stop == Stop(rule="patience", value=3, identities=4)
    bound = preset.unlearn("ga", stop="forget-loss:10")
    assert bound.stop == Stop(rule="forget-loss", value=10)
    assert type(bound).parse(bound.model_dump()) == bound


def test_errors_name_the_flag_or_the_key_that_was_written() -> None:
    preset = read_preset("tiny")
    with pytest.raises(ConfigError, match=r"^--batch-size: should be greater than or equal to 1, not 0"):
        preset.finetune(flags=["batch_size"], batch_size=0)
    with pytest.raises(ConfigError) as error:
        preset.unlearn("gd", where="mine.yaml", lora={"rank": 0})
    assert str(error.value).startswith("mine.yaml: lora.rank: should be greater")


def test_presets_of_ones_own(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(preset_text("tiny").replace("epochs: 60", "epochs: 7"))
    assert read_preset(str(own)).finetune().epochs == 7
    own.write_text("model: tiny\n")
    with pytest.raises(ConfigError, match="description"):
        read_preset(str(own))
    with pytest.raises(ConfigError, match="Did you mean 'tiny'"):
        read_preset("tine")
    with pytest.raises(ConfigError, match="no such file"):
        read_preset(str(tmp_path / "none.yaml"))


def test_a_method_without_settings(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(
        "description: x\nmodel: tiny\nfinetune: {epochs: 1, learning_rate: 1.0e-3}\nunlearn: {epochs: 1}\nmethods: {}\n"
    )
    with pytest.raises(ConfigError, match="no learning_rate"):
        read_preset(str(own)).unlearn("ga")
