"""The files of examples/accelerate, as accelerate's loader and launcher read them; running them needs GPUs."""

from pathlib import Path

import pytest
import yaml
from accelerate.commands.config.config_args import load_config_from_file
from accelerate.commands.launch import _validate_launch_command, launch_command_parser
from accelerate.utils.launch import prepare_multi_gpu_env
from fiubench.unlearning.training.settings import read_preset

FILES = sorted((Path(__file__).parents[3] / "examples" / "accelerate").glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_accelerate_reads_it(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = load_config_from_file(str(file))
    assert read_preset("llava-phi-3-mini").unlearn("kl").accumulate % config.num_processes == 0
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    arguments = launch_command_parser().parse_args(["--config_file", str(file), "-m", "fiubench", "finetune"])
    arguments, _, _ = _validate_launch_command(arguments)
    written = yaml.safe_load(file.read_text())
    assert arguments.mixed_precision == written["mixed_precision"]
    for name, value in {**written.get("fsdp_config", {}), **written.get("deepspeed_config", {})}.items():
        assert str(getattr(arguments, name)) == str(value), name
    if config.fsdp_config:
        env = prepare_multi_gpu_env(arguments)
        assert (env["ACCELERATE_USE_FSDP"], env["FSDP_VERSION"]) == ("true", "2")
        assert env["FSDP_STATE_DICT_TYPE"] == "FULL_STATE_DICT"


def test_there_is_a_recipe_of_each_kind() -> None:
    assert [file.stem for file in FILES] == ["deepspeed_zero2", "four_gpus", "fsdp"]
