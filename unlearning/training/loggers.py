"""Where a training's losses are sent: loggers that transformers knows, by name."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fiubench.support.errors import ConfigError, did_you_mean
from fiubench.unlearning.models.loading import processes

_NONE, _TENSORBOARD = "none", "tensorboard"
_FLAG = "--report-to"


def of_transformers(names: Sequence[str]) -> list[str]:
    """The loggers that transformers sets up by itself.

    Raises:
        ConfigError: there is no such logger, or its package is not installed.
    """
    from transformers.integrations import integration_utils as known

    if _NONE in names and len(names) > 1:
        raise ConfigError("none stands alone", where=_FLAG, hint="Name loggers, or none.")
    wanted = [name for name in names if name not in (_NONE, _TENSORBOARD)]
    for name in wanted:
        if name not in known.INTEGRATION_TO_CALLBACK:
            hint = did_you_mean(name, [*known.INTEGRATION_TO_CALLBACK, _NONE])
            raise ConfigError(f"no logger {name!r}", where=_FLAG, hint=hint)
        if name not in known.get_available_reporting_integrations():
            hint = "Install its package, or send losses nowhere: none."
            raise ConfigError(f"{name} is not installed", where=_FLAG, hint=hint)
    return wanted


def ours(names: Sequence[str], out: Path) -> list[Any]:
    """TensorBoard, in the run's own folder."""
    if _TENSORBOARD not in names or not processes().is_main_process:
        return []
    from tensorboardX import SummaryWriter
    from transformers.integrations import TensorBoardCallback

    return [TensorBoardCallback(SummaryWriter(str(out / "logs")))]
