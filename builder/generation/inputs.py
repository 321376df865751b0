"""What a build is a function of: the settings with everything that they name opened."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fiubench.builder.config import LLM, TEMPLATE, Config
from fiubench.builder.dataset import splits
from fiubench.builder.generation.known import check_literals, check_words
from fiubench.builder.generation.pairing import Plan, make_plan
from fiubench.builder.generation.paraphrases import Paraphrases
from fiubench.builder.generation.profiles import Profiles
from fiubench.builder.generation.sources import Sources, open_sources
from fiubench.builder.languages.base import ENGLISH, LANGUAGES
from fiubench.builder.packs.attributes import read_packs
from fiubench.builder.packs.model import Attributes
from fiubench.builder.values.base import VALUE_TYPES
from fiubench.raw_sources.source import SOURCES
from fiubench.support.canonical import digest, digest_of, file_digest
from fiubench.support.errors import ConfigError
from fiubench.support.progress import Progress
from fiubench.support.version import __version__


@dataclass(frozen=True)
class Inputs:
    """A config with everything it names opened: what a build is a function of."""

    config: Config
    attributes: Attributes
    sources: Sources
    frozen: dict[str, list[str]] | None  # membership of the forget sets, where a file gives it
    words_from: Mapping[str, str] = field(default_factory=dict)  # digest of a file of paraphrases, or of the prompts
    known: str = ""  # the fingerprint, where these are read from a plan, which does not hold all that it is made of

    def plan(self) -> Plan:
        """Pair everyone."""
        return make_plan(self.config, self.sources, self.frozen, tied=self.attributes.tied)

    def plugins(self) -> dict[str, dict[str, str]]:
        """What was added by plug-ins and is used here: kind and name -> plug-in, version and digest."""
        kinds = {attribute.kind for attribute in self.attributes.by_name.values()}
        kinds |= {kind for table in self.attributes.tables.values() for kind in table.columns.values()}
        named = [name for name in self.sources.reports() if name in SOURCES]
        languages = {attribute.language.code for attribute in self.attributes.by_name.values()}
        return {**SOURCES.used(named), **VALUE_TYPES.used(kinds), **LANGUAGES.used(languages)}

    def fingerprint(self, config: Mapping[str, Any] | None = None) -> str:
        """Digest of all that decides the bytes of a dataset.

        Args:
            config: the settings as a manifest has them, where what they name is not at hand.
        """
        if self.known and config is None:
            return self.known
        faces = self.sources.faces
        return digest_of(
            {
                "version": __version__,
                "config": self.config.public() if config is None else config,
                "sources": {name: origin.sha256 for name, (origin, _) in self.sources.reports().items()},
                "packs": [pack.sha256 for pack in self.attributes.packs],
                "tables": [table.sha256 for table in self.attributes.tables.values()],
                "about": {name: dict(about) for name, about in self.sources.about.items()},
                "frozen": self.frozen,
                # of the faces, where a choice of faces depends on them
                "features": None if faces is None or self.config.select == "all" else digest(faces.features.tobytes()),
                **self.words_from,
                **({"plugins": plugins} if (plugins := self.plugins()) else {}),
            }
        )


def open_inputs(config: Config, *, prompts: str = "", workers: int = 1, progress: Progress | None = None) -> Inputs:
    """Read packs, frozen splits and sources, in the order in which mistakes are cheapest to find.

    Args:
        config: the settings.
        prompts: digest of the prompts, where a model paraphrases the questions.
        workers, progress: see :func:`open_sources`.

    Raises:
        FiubenchError: any of them can't be used.
    """
    attributes = read_packs(list(map(Path, config.attributes)), list(map(Path, config.tables)), config.language)
    attributes.asked(config.questions)
    if config.qa == LLM:
        check_english(attributes, "--qa llm")
    _check_sources(config, attributes)
    frozen = splits.read_frozen(config.split_scheme)
    sources = open_sources(config, attributes.tables, workers=workers, progress=progress)
    profiles = Profiles(config, sources, attributes)
    check_literals(profiles)
    check_words(profiles)
    words_from = {"prompts": prompts} if config.qa == LLM else {}
    if config.qa not in (TEMPLATE, LLM):
        words_from = {"wordings": file_digest(Paraphrases(Path(config.qa)).path)}
    return Inputs(config, attributes, sources, frozen, words_from)


def check_english(attributes: Attributes, where: object) -> None:
    """Refuse to have a model word what is not English: its prompts and the gate are.

    Raises:
        ConfigError: the build is in another language.
    """
    if (language := attributes.language).family != ENGLISH:
        hint = f"Vary questions in {language.name} by packs, with `phrasings`."
        raise ConfigError("a model is asked to word English alone", where=where, hint=hint)


def _check_sources(config: Config, attributes: Attributes) -> None:
    """Whether every source that a pack names is one that this build opens."""
    for attribute in attributes.by_name.values():
        if attribute.origin.kind != "from":
            continue
        name = attribute.origin.options.split(".")[0]
        if name in attributes.tables:
            continue
        source = SOURCES[name]
        if source.expects and not source.always and name not in config.sources:
            raise ConfigError(
                f"attribute {attribute.name!r} takes its values from source {source.name!r}, and no file is given",
                where=f"--{source.name}",
                hint=source.expects,
            )
