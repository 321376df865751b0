"""Settings of a build: one class, from which the YAML file, the flags and the schema come."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from fiubench.builder.languages.base import LANGUAGES
from fiubench.raw_sources.source import EMBEDDED, MOST_UNDER_20, SOURCES
from fiubench.support.errors import ConfigError, did_you_mean
from fiubench.support.settings import Flag, Settings
from fiubench.support.yaml_file import load_yaml
from pydantic import AfterValidator, Field, field_validator, model_validator

FACES = "faces"
NO_FACES = "none"
TEMPLATE, LLM = "template", "llm"  # how questions and answers are phrased; anything else is a file
SPLIT_SCHEMES = ("nested", "disjoint")
DATA, SOURCE_FILES, SPLITS, MODEL = "Data", "Sources", "Splits", "Language model"  # panels of --help
_ABOUT = {"titles": "title", "licenses": "license"}  # field -> what a setting of it ends in
_OF_MODEL = ("model", "base_url", "temperature", "granularity")
_DRAWN_SIZE, _FOLDER_SIZE, _SMALLEST = 256, 512, 16
_EARLIEST, _LATEST = "1950-01-01", "2199-12-31"
_LARGEST = 100_000_000

Text = Annotated[str, Field(min_length=1)]


def _hundredths(percent: float) -> float:
    if round(percent, 2) != percent:
        raise ValueError("has more than two decimals")
    return int(percent) if percent == int(percent) else percent


Percent = Annotated[float, Field(gt=0, lt=100), AfterValidator(_hundredths)]


class Config(Settings):
    """Everything that decides what a dataset holds. The same config and sources give the same bytes.

    In files and flags every source is a setting of its own (``health: FILE``); they are kept in ``sources``. So are its
    title and license (``health_title``, ``health_license``), in ``titles`` and ``licenses``.
    """

    identities: Annotated[int, Field(ge=1, le=_LARGEST), Flag(DATA, metavar="N")] = 400
    """Build this many identities for the forget and retain sets; the holdout comes on top."""
    holdout: Annotated[int, Field(ge=0, le=_LARGEST), Flag(DATA, metavar="N")] = 40
    """Build this many more identities that no model is trained on, as certain non-members."""
    seed: Annotated[int, Field(ge=0, le=2**63 - 1), Flag(DATA, metavar="N")] = 0
    """Draw everything from this random seed: another seed gives another dataset."""
    as_of: Annotated[str, Flag(DATA, metavar="DATE")] = "2025-01-01"
    """Take this day, YYYY-MM-DD, as the reference date: nothing in the dataset happens after it."""
    sources: Mapping[str, Text] = {}
    """Source -> file or folder, `embedded`, or for faces `none`."""
    titles: Mapping[str, Text] = {}
    """Source -> what the file or folder that is given for it is called."""
    licenses: Mapping[str, Text] = {}
    """Source -> the license of the file or folder that is given for it."""
    names: Annotated[Literal["generated", "record"], Flag(DATA)] = "generated"
    """Draw full names from name lists (generated), or take those of the file that --health names (record)."""
    attributes: Annotated[tuple[Text, ...], Flag(DATA, metavar="FILE")] = ()
    """Add the facts and questions of an attribute pack, a YAML file; repeat the option for several packs."""
    language: Annotated[str, Flag(DATA, metavar="de|zh|..", default="that of your packs, else en")] = ""
    """Ask and answer in English (en), German (de) or Chinese (zh), about the same facts."""
    tables: Annotated[tuple[Text, ...], Flag(SOURCE_FILES, name="--table", metavar="FILE")] = ()
    """Add a table of your own as a source, by a YAML file that declares its columns; repeat the option for several."""
    questions: Annotated[int, Field(ge=0, le=1000), Flag(DATA, metavar="N")] = 20
    """Ask this many of the built-in pack's questions about everyone, or none (0); packs of your own add theirs."""
    wrong: Annotated[Literal["population", "members"], Flag(DATA)] = "population"
    """Draw wrong answers from all that the person could have had (population), or only from that part of it which is
    true of other people in the same split (members)."""
    distance: Annotated[Literal["near", "medium", "far"], Flag(DATA)] = "medium"
    """Let the wrong dates, amounts and numbers of a question lie this far from the true one: near ones are harder to
    rule out."""
    columns: Annotated[Mapping[str, Mapping[str, Text]], Flag(SOURCE_FILES, metavar="FILE")] = {}
    """Read the columns of your files that have names of their own as this YAML FILE says, such as `{health: {Age:
    years}}`: source, usual header, your header. In a config file they may stand in its place."""
    date_order: Annotated[Literal["mdy", "dmy", "ymd"] | None, Flag(SOURCE_FILES)] = None
    """Read dates like 01/02/2024 with the month (mdy), the day (dmy) or the year first (ymd) in columns whose values
    leave it open; in others the values decide."""
    match: Annotated[Literal["none", "gender", "gender+age"], Flag(SOURCE_FILES)] = "gender+age"
    """Let a face and the health record that it is paired with agree in gender and age, in gender alone, or in neither
    (none). What they must agree in must be known of every face."""
    unknown_ages: Annotated[Literal["refuse", "allow"], Flag(SOURCE_FILES)] = "refuse"
    """Refuse faces of unknown age, which may be children's, or allow them: then manifest and card say so, and the audit
    fails."""
    most_under_20: Annotated[float, Field(ge=0, le=1), Flag(SOURCE_FILES, metavar="P")] = MOST_UNDER_20
    """Leave out faces that, by the faces.csv of their folder, are under 20 with a higher probability than this."""
    follow_links: Annotated[bool, Flag(SOURCE_FILES)] = False
    """Follow links that lead out of the folder of --faces."""
    ratios: Annotated[
        tuple[Percent, ...], Field(min_length=1), Flag(SPLITS, metavar="P,P,..", separator=",")
    ] = (1, 5, 10)  # fmt: skip
    """Cut one forget set for each of these percentages of the identities, such as 0.5,5,10; two decimals at most."""
    split_scheme: Annotated[Text, Flag(SPLITS, metavar="nested|disjoint|FILE")] = "nested"
    """Let each forget set contain the smaller ones (nested) or share nobody with them (disjoint), or list the members
    of all of them in a JSON FILE."""
    select: Annotated[Literal["all", "k-means", "k-center"], Flag(SOURCE_FILES)] = "all"
    """Where the folder of --faces has more than are needed, choose in random order (all), or choose faces that differ:
    the ones nearest to cluster centres (k-means), or each as far from the others as possible (k-center)."""
    image_size: Annotated[
        int, Field(ge=0, le=4096), Flag(SOURCE_FILES, metavar="PX", default="256 for drawn portraits, 512 for a folder")
    ] = 0
    """Make the longest side of every image this many pixels, at least 16."""
    pictures: Annotated[int, Field(ge=1, le=16), Flag(SOURCE_FILES, metavar="K")] = 1
    """Give everyone this many pictures, of which every other one is never trained on: portraits in another pose, light
    and dress; of a folder the pictures that its faces.csv says are of one person, or else altered copies."""
    qa: Annotated[Text, Flag(MODEL, metavar="template|llm|FILE")] = TEMPLATE
    """Phrase questions and answers by templates (template) or with a language model (llm), or as an earlier build has
    them in its wordings.jsonl (FILE)."""
    model: Annotated[str, Flag(MODEL, metavar="NAME")] = ""
    """With --qa llm: ask the model that has this name at its server."""
    base_url: Annotated[str, Flag(MODEL, metavar="URL")] = ""
    """With --qa llm: ask the OpenAI-compatible server at this URL, which usually ends in /v1."""
    temperature: Annotated[float, Field(ge=0, le=2), Flag(MODEL, metavar="NUMBER")] = 0.7
    """With --qa llm: sample at this temperature, from 0 (the likeliest words) to 2 (the most varied)."""
    granularity: Annotated[Literal["auto", "group", "item", "sentence"], Flag(MODEL)] = "auto"
    """With --qa llm: ask in one call for up to six questions with their answers (group), for one (item) or, of small
    models, for one sentence as plain text (sentence); or for as much as the model turns out to be able to (auto)."""

    @model_validator(mode="before")
    @classmethod
    def _collect_sources(cls, values: Any) -> Any:
        """``health: FILE`` becomes an entry of ``sources``."""
        if not isinstance(values, dict):
            return values
        values = collect_about(values)
        given = {name: values[name] for name in values if name in source_settings()}
        rest = {key: value for key, value in values.items() if key not in given}
        named = {**rest.get("sources", {}), **given}
        embedded = {k for k, v in named.items() if isinstance(v, str) and v == EMBEDDED and _opened(k)}
        return {**rest, "sources": {k: v for k, v in named.items() if k not in embedded}}

    @field_validator("columns", mode="before")
    @classmethod
    def _read_columns(cls, value: Any) -> Any:
        return load_yaml(Path(value), ConfigError) if isinstance(value, str) else value

    @field_validator("columns")
    @classmethod
    def _of_sources(cls, value: Mapping[str, Mapping[str, str]]) -> Mapping[str, Mapping[str, str]]:
        known = [name for name in source_settings() if name != FACES]
        for name in value:
            if name not in known:
                raise ValueError(f"unknown source {name!r}. {did_you_mean(name, known)}")
        return value

    @field_validator("language")
    @classmethod
    def _a_language(cls, value: str) -> str:
        if value and value not in LANGUAGES:
            raise ValueError(f"unknown language {value!r}. {did_you_mean(value, LANGUAGES)}")
        return value

    @field_validator("as_of")
    @classmethod
    def _a_day(cls, value: str) -> str:
        try:
            if date.fromisoformat(value).isoformat() != value:  # other forms of ISO 8601
                raise ValueError
        except ValueError:
            raise ValueError("is not a date like 2025-01-01") from None
        if not _EARLIEST <= value <= _LATEST:
            raise ValueError(f"{value} is not between {_EARLIEST} and {_LATEST}")
        return value

    @field_validator("image_size")
    @classmethod
    def _large_enough(cls, value: int) -> int:
        if 0 < value < _SMALLEST:
            raise ValueError(f"should be at least {_SMALLEST}")
        return value

    @field_validator("ratios")
    @classmethod
    def _distinct(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if len(set(value)) < len(value):
            raise ValueError("has a number twice")
        return value

    @model_validator(mode="after")
    def _with_size(self) -> Self:
        if not self.image_size:
            size = _DRAWN_SIZE if self.faces in (EMBEDDED, NO_FACES) else _FOLDER_SIZE
            object.__setattr__(self, "image_size", size)
        return self

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """The JSON Schema of a config file, in which every source is a setting of its own."""
        schema = cls.model_json_schema()
        file = {"type": "string", "minLength": 1}
        files = {name: {**file, "description": SOURCES[name].expects} for name in source_settings()}
        about = {name: {**file, "description": help_of_about(name)} for name in about_settings()}
        for name in ("sources", *_ABOUT):
            del schema["properties"][name]
        schema["properties"] |= {**files, **about}
        return schema

    def source(self, name: str) -> str:
        """The file or folder of a source, or ``embedded``."""
        return self.sources.get(name, EMBEDDED)

    @property
    def faces(self) -> str:
        """``embedded`` (drawn portraits), ``none``, or a folder."""
        return self.source(FACES)

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
        """The settings as a YAML file would hold them: every source that a build opens, and every other setting."""
        opened = {name: self.source(name) for name in source_settings() if _opened(name)}
        about = {name: getattr(self, kind)[source] for name, (kind, source) in about_settings().items()
                 if source in getattr(self, kind)}  # fmt: skip
        values = {**self.model_dump(exclude={"sources", *_ABOUT}), **opened, **self.sources, **about}
        plain = {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}
        if self.pictures == 1:
            del plain["pictures"]
        return {key: plain[key] for key in setting_names() if key in plain}

    def public(self) -> dict[str, Any]:
        """The settings with base names instead of paths: what a manifest may hold."""
        settings = self._moved(lambda path: Path(path).name or Path(path).resolve().name).as_dict()
        unused = () if self.qa == LLM else ("qa", *_OF_MODEL) if self.qa == TEMPLATE else _OF_MODEL
        if_given = ("columns", "date_order", "language")
        return {k: v for k, v in settings.items() if k not in unused and (v or k not in if_given)}

    def located(self, folder: Path | None = None) -> "Config":
        """The settings with every path made absolute, relative ones from ``folder`` (else the working directory)."""
        base = (folder or Path()).resolve()
        return self._moved(lambda path: str(base / path))

    def _moved(self, change: Callable[[str], str]) -> "Config":
        """The settings with every path changed."""
        changes = {
            "sources": {k: v if v in (EMBEDDED, NO_FACES) else change(v) for k, v in self.sources.items()},
            "attributes": tuple(map(change, self.attributes)),
            "tables": tuple(map(change, self.tables)),
            "split_scheme": self.split_scheme if self.split_scheme in SPLIT_SCHEMES else change(self.split_scheme),
            "qa": self.qa if self.qa in (TEMPLATE, LLM) else change(self.qa),
        }
        return self.model_copy(update=changes)


def _opened(source: str) -> bool:
    """Whether a source is part of every build, embedded unless a file is given."""
    return source == FACES or SOURCES[source].always


def source_settings() -> list[str]:
    """The sources that a config may give a file for."""
    return [name for name, source in SOURCES.items() if source.expects]


def about_settings() -> dict[str, tuple[str, str]]:
    """Setting -> the field that keeps it and the source that it is about: ``faces_title`` -> ("titles", "faces")."""
    return {f"{source}_{kind}": (field, source) for source in source_settings() for field, kind in _ABOUT.items()}


def collect_about(values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings in which ``faces_title: X`` has become an entry of ``titles``."""
    known = about_settings()
    collected = {key: value for key, value in values.items() if key not in known}
    for key, (field, source) in known.items():
        if key in values:
            collected[field] = {**collected.get(field, {}), source: values[key]}
    return collected


def help_of_about(name: str) -> str:
    """What a title or license of a source is for."""
    field, source = about_settings()[name]
    what = "folder" if source == FACES else "file"
    if field == "titles":
        return f"Call the {what} of --{source} this on the card, whatever it is recognised as."
    return f"State this license for the {what} of --{source}: an SPDX identifier such as CC-BY-4.0, or words."


def setting_names() -> list[str]:
    """All settings in the order of the documentation; each source is one of its own."""
    names = [name for name in Config.model_fields if name not in _ABOUT]
    place = names.index("sources")
    return [*names[:place], *source_settings(), *about_settings(), *names[place + 1 :]]


def settings_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """Those entries of a document, such as a manifest's ``config``, that are settings of a build."""
    return {key: value for key, value in document.items() if key in setting_names()}


def make_config(settings: Mapping[str, Any], where: str = "settings", flags: Iterable[str] = ()) -> Config:
    """A checked config from settings of any origin; ``None`` means "not given".

    Args:
        settings: setting -> value.
        where: their origin, for messages.
        flags: those that were given on the command line: messages name the flag.

    Raises:
        ConfigError: an unknown setting, a value outside its range, settings that contradict each other.
    """
    given = {key: value for key, value in settings.items() if value is not None}
    known = setting_names()
    for key in given:
        if key not in known:
            raise ConfigError(f"unknown setting {key!r}", where=where, hint=did_you_mean(str(key), known))
    flags = list(flags)
    config = Config.parse(given, where, flags)
    _check(config, where, set(flags))
    return config


def read_config(file: Path | None, flags: Mapping[str, Any]) -> Config:
    """A config from a YAML file with flags on top. Relative paths in the file are seen from the file's folder.

    Raises:
        ConfigError: see :func:`make_config`; or the file can't be read.
    """
    settings: dict[str, Any] = {}
    if file is not None:
        document = load_yaml(file, ConfigError)
        if not isinstance(document, dict):
            hint = "For example: `identities: 400`."
            raise ConfigError("a config file is a mapping of settings", where=file, hint=hint)
        if isinstance(document.get("columns"), str):
            document["columns"] = str(file.parent / document["columns"])
        # checked alone, so that a fault in the file is reported with its name; its paths are seen from its folder
        written = make_config(document, where=str(file)).located(file.parent).as_dict()
        settings.update({key: written[key] for key in document if document[key] is not None})
    given = {key: value for key, value in flags.items() if value is not None}
    where = "command line" if file is None else f"{file} and command line"
    return make_config({**settings, **given}, where, given)


def _check(config: Config, where: str, flags: Collection[str]) -> None:
    def written(name: str, value: str) -> str:
        return f"{Config.flag(name)} {value}" if name in flags else f"{name}: {value}"

    if config.pictures > 1 and not config.has_images:
        what = f"{written('pictures', str(config.pictures))} of a build without faces"
        raise ConfigError(what, where=where, hint="Leave one of the two out.")
    if config.names == "record" and config.source("health") == EMBEDDED:
        hint = "Name one with --health."
        what = f"{written('names', 'record')} needs a health file to take names from"
        raise ConfigError(what, where=where, hint=hint)
    for name, (kind, source) in about_settings().items():
        if source in getattr(config, kind) and config.source(source) in (EMBEDDED, NO_FACES):
            option = f"--{name.replace('_', '-')}" if name in flags else name
            hint = f"Name it with --{source}, or leave {option} out."
            raise ConfigError(f"{option} is about a file or folder, and none is given", where=where, hint=hint)
    if idle := [name for name in config.columns if config.source(name) == EMBEDDED]:
        what = f"{'--columns' if 'columns' in flags else 'columns'}: names columns of {idle[0]}, and no file is given"
        raise ConfigError(what, where=where, hint=f"Name one with --{idle[0]}.")
    if config.split_scheme in SPLIT_SCHEMES:
        _check_ratios(config, where, "--ratios" if "ratios" in flags else "ratios")
    if config.qa == LLM and not (config.model and config.base_url):
        hint = "For example --qa llm --model NAME --base-url http://localhost:8000/v1."
        raise ConfigError(f"{written('qa', LLM)} needs a model and the URL of its server", where=where, hint=hint)
    if config.base_url:
        from fiubench.support.chat.server import check_url  # noqa: PLC0415  what asks a server takes long to import

        check_url(config.base_url, None)
    if config.qa != LLM and (config.model or config.base_url):
        hint = "Add --qa llm, or leave --model and --base-url out."
        raise ConfigError("a model and the URL of its server do nothing without qa: llm", where=where, hint=hint)


def _check_ratios(config: Config, where: str, name: str) -> None:
    for ratio in config.ratios:
        if config.identities * ratio < 100:
            what = f"{name}: {ratio} % of {config.identities} identities is less than one person"
            hint = f"It takes at least {max(2, math.ceil(100 / ratio))} identities, or larger --ratios, such as 50."
            raise ConfigError(what, where=where, hint=hint)
    sizes = [size_of(config.identities, ratio) for ratio in config.ratios]
    if (sum(sizes) if config.split_scheme == "disjoint" else max(sizes)) >= config.identities:
        raise ConfigError(
            f"{name}: {config.split_scheme} forget sets of {', '.join(map(str, config.ratios))} % leave nobody of "
            f"{config.identities} to retain",
            where=where,
            hint="Name smaller --ratios, or build more --identities.",
        )


def size_of(identities: int, ratio: float) -> int:
    """Identities in a forget set of ``ratio`` percent: rounded, at least one."""
    return max(1, (identities * round(100 * ratio) + 5000) // 10_000)
