"""Settings of a build, from flags and a YAML file, checked against their schema."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from pathlib import Path
from typing import Any

from fiubench.support.errors import ConfigError, did_you_mean
from fiubench.support.yaml_file import load_yaml

from fiubench import schemas

EMBEDDED = "embedded"
NO_FACES = "none"
TEMPLATE, LLM = "template", "llm"  # who words questions and answers; anything else is a file
SPLIT_SCHEMES = ("nested", "disjoint")
_OF_MODEL = ("model", "base_url", "temperature")
_DRAWN_SIZE, _FOLDER_SIZE = 256, 512
_EARLIEST, _LATEST = "1950-01-01", "2199-12-31"


@dataclass(frozen=True)
class Config:
    """Everything that decides what a dataset holds. The same config and sources give the same bytes.

    Attributes:
        identities: number of identities in the benchmark.
        holdout: identities beyond them that no split trains on.
        seed: key of every draw.
        as_of: the day that counts as today.
        faces: ``embedded``, ``none`` or a folder.
        health: ``embedded`` or a CSV file; likewise ``crimes`` and ``addresses``.
        names: ``generated`` from the name lists or the health ``record``'s own.
        attributes: pack files beyond the built-in one.
        questions: how many of the built-in pack's questions are asked.
        match: ``none``, ``gender`` or ``gender+age``: what of a face must agree with its record.
        ratios: forget sets, in percent of the identities.
        split_scheme: ``nested``, ``disjoint`` or a JSON file with frozen membership.
        select: ``all``, ``k-means`` or ``k-center``.
        image_size: longest side in pixels; by default 256 for drawn portraits, 512 for a folder's faces.
        qa: who words questions and answers: ``template``, ``llm``, or a ``wordings.jsonl`` of an earlier build.
        model: for ``llm``: the model's name at its server.
        base_url: for ``llm``: an OpenAI-compatible server.
        temperature: for ``llm``: sent with every call.
    """

    identities: int = 400
    holdout: int = 40
    seed: int = 0
    as_of: str = "2025-01-01"
    faces: str = EMBEDDED
    health: str = EMBEDDED
    crimes: str = EMBEDDED
    addresses: str = EMBEDDED
    names: str = "generated"
    attributes: tuple[str, ...] = ()
    questions: int = 20
    match: str = "gender+age"
    ratios: tuple[int, ...] = (1, 5, 10)
    split_scheme: str = "nested"
    select: str = "all"
    image_size: int = 0
    qa: str = TEMPLATE
    model: str = ""
    base_url: str = ""
    temperature: float = 0.7

    @property
    def total(self) -> int:
        """Identities with the holdout."""
        return self.identities + self.holdout

    @property
    def today(self) -> date:
        """``as_of`` as a date."""
        return date.fromisoformat(self.as_of)

    @property
    def has_images(self) -> bool:
        """Whether identities have faces."""
        return self.faces != NO_FACES

    def as_dict(self) -> dict[str, Any]:
        """The settings as a YAML file would hold them."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    def public(self) -> dict[str, Any]:
        """The settings with base names instead of paths: what a manifest may tell."""
        settings = self.as_dict()
        for key in ("faces", "health", "crimes", "addresses"):
            settings[key] = _base_name(settings[key])
        settings["attributes"] = [_base_name(file) for file in self.attributes]
        if self.split_scheme not in SPLIT_SCHEMES:
            settings["split_scheme"] = _base_name(self.split_scheme)
        if self.qa != LLM:
            for key in _OF_MODEL:
                del settings[key]
        if self.qa == TEMPLATE:
            del settings["qa"]
        elif self.qa != LLM:
            settings["qa"] = _base_name(self.qa)
        return settings

    def located(self, folder: Path | None = None) -> "Config":
        """The settings with every path made absolute, relative ones from ``folder`` (else the working directory)."""
        base = (folder or Path()).resolve()
        changes: dict[str, Any] = {
            key: str(base / getattr(self, key))
            for key in ("faces", "health", "crimes", "addresses")
            if getattr(self, key) not in (EMBEDDED, NO_FACES)
        }
        changes["attributes"] = tuple(str(base / file) for file in self.attributes)
        if self.split_scheme not in SPLIT_SCHEMES:
            changes["split_scheme"] = str(base / self.split_scheme)
        if self.qa not in (TEMPLATE, LLM):
            changes["qa"] = str(base / self.qa)
        return replace(self, **changes)


def _base_name(path: str) -> str:
    return path if path in (EMBEDDED, NO_FACES) else Path(path).name or Path(path).resolve().name


def make_config(settings: Mapping[str, Any], where: str = "settings") -> Config:
    """A checked config from settings of any origin; ``None`` means "not given".

    Raises:
        ConfigError: an unknown setting, a value outside its range, settings that contradict each other.
    """
    given = {key: list(v) if isinstance(v, tuple) else v for key, v in settings.items() if v is not None}
    known = [field.name for field in fields(Config)]
    for key in given:
        if key not in known:
            raise ConfigError(f"unknown setting {key!r}", where=where, hint=did_you_mean(str(key), known))
    if given.get("image_size") == 0:
        del given["image_size"]  # the default of the faces' kind
    for violation in schemas.violations("build_config", given):
        setting = str(violation.location[0]) if violation.location else "settings"
        what = schemas.load("build_config")["properties"].get(setting, {}).get("description", "")
        raise ConfigError(f"{setting}: {violation.message}", where=where, hint=what)
    values: dict[str, Any] = {
        key: tuple(map(_whole, v)) if isinstance(v, list) else float(v) if key == "temperature" else _whole(v)
        for key, v in given.items()
    }
    config = Config(**values)
    if not config.image_size:
        config = replace(config, image_size=_DRAWN_SIZE if config.faces in (EMBEDDED, NO_FACES) else _FOLDER_SIZE)
    _check(config, where)
    return config


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) else value  # the schema takes 400.0 for an integer


def read_config(file: Path | None, flags: Mapping[str, Any]) -> Config:
    """A config from a YAML file with flags on top. Relative paths in the file are seen from the file's folder.

    Raises:
        ConfigError: see :func:`make_config`; or the file can't be read.
    """
    settings: dict[str, Any] = {}
    if file is not None:
        document = load_yaml(file, ConfigError)
        if not isinstance(document, dict):
            raise ConfigError(
                "a config file is a mapping of settings", where=file, hint="For example: `identities: 400`."
            )
        # checked alone, so that a fault in the file is told with the file's name; its paths are seen from its folder
        written = make_config(document, where=str(file)).located(file.parent).as_dict()
        settings.update({key: written[key] for key in document})
    settings.update({key: value for key, value in flags.items() if value is not None})
    return make_config(settings, where="command line" if file is None else f"{file} and command line")


def _check(config: Config, where: str) -> None:
    if config.names == "record" and config.health == EMBEDDED:
        raise ConfigError(
            "names: record needs a health file to take names from",
            where=where,
            hint="Name one with --health.",
        )
    if not _EARLIEST <= config.as_of <= _LATEST:
        raise ConfigError(
            f"as_of: {config.as_of} is not between {_EARLIEST} and {_LATEST}",
            where=where,
            hint="Name a day of our time.",
        )
    if config.split_scheme in SPLIT_SCHEMES:
        _check_ratios(config, where)
    if config.qa == LLM and not (config.model and config.base_url):
        raise ConfigError(
            "qa: llm needs a model and the URL of its server",
            where=where,
            hint="For example --qa llm --model NAME --base-url http://localhost:8000/v1.",
        )
    if config.qa != LLM and (config.model or config.base_url):
        raise ConfigError("model and base_url do nothing without qa: llm", where=where, hint="Add --qa llm.")


def _check_ratios(config: Config, where: str) -> None:
    for ratio in config.ratios:
        if config.identities * ratio < 100:
            raise ConfigError(
                f"ratios: {ratio} % of {config.identities} identities is less than one person",
                where=where,
                hint=f"Build at least {max(2, -(-100 // ratio))} identities, or name larger ones: --ratios 50.",
            )
    sizes = [size_of(config.identities, ratio) for ratio in config.ratios]
    if (sum(sizes) if config.split_scheme == "disjoint" else max(sizes)) >= config.identities:
        raise ConfigError(
            f"ratios: {config.split_scheme} forget sets of {', '.join(map(str, config.ratios))} % leave nobody of "
            f"{config.identities} to retain",
            where=where,
            hint="Name smaller --ratios, or build more --identities.",
        )


def size_of(identities: int, ratio: int) -> int:
    """Identities in a forget set of ``ratio`` percent: rounded, at least one."""
    return max(1, (identities * ratio + 50) // 100)
