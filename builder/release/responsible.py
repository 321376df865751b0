"""What a dataset's users, and people it may touch, should know of it: Croissant's RAI fields and the card's datasheet.

The fields are those of Croissant RAI 1.0, https://docs.mlcommons.org/croissant/docs/croissant-rai-spec.html; the
questions follow Gebru et al., Datasheets for Datasets, https://arxiv.org/abs/1803.09010
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from fiubench.builder.release.markdown import escape
from fiubench.builder.release.metadata import Metadata
from fiubench.raw_sources.source import EMBEDDED

LIMITS = "dataLimitations"


class Answer(NamedTuple):
    """One question of the datasheet: the RAI field, the question, and one or several answers as plain text."""

    field: str
    question: str
    texts: Sequence[str]
    several: bool = False  # whether the field takes a list


def answers(
    manifest: Mapping[str, Any],
    sources: Mapping[str, Mapping[str, Any]],
    limits: Sequence[str],
    shares: Sequence[str],
    metadata: Metadata,
) -> list[Answer]:
    """The datasheet of a release.

    Args:
        manifest: of the dataset.
        sources: what it was made from.
        limits: what does not hold, a sentence each.
        shares: who is in it: "gender female: 50.0%", ...
        metadata: what whoever publishes it says.
    """
    files = [f'"{source["title"]}"' for source in sources.values() if source["file"] != EMBEDDED]
    models = [str(name) for name in manifest.get("wordings", {}).get("server_models", ())]
    drawn_from = f"{', '.join(files)} and word lists" if files else "word lists and published frequencies"
    kinds = ["Software Collection", *(["Secondary Data Analysis"] if files else [])]
    upkeep = metadata.text("maintenance") or (
        "A version is a tag and never changes; corrections are new versions, and the changelog says what changed."
    )
    return [
        Answer("dataUseCases", "What is it for?", USES, several=True),
        Answer("dataCollection", "How did it come about?", [
            "Nobody was observed or asked. Every person is invented: a keyed pseudo-random draw for each field pairs "
            f"values from {drawn_from} into a profile, and questions and answers are renderings of its facts."
        ]),
        Answer("dataCollectionType", "By which means?", kinds, several=True),
        Answer("dataPreprocessingProtocol", "What was repaired or left out?", _repairs(sources), several=True),
        Answer("dataManipulationProtocol", "What was made to agree?", [
            "Facts of one person, such as birth date and age, city and ZIP code, dates of admission and discharge; "
            "wrong answers are drawn from what the true ones were drawn from."
        ]),
        Answer("dataAnnotationProtocol", "Who labeled it?", _labeling(sources, bool(models)), several=True),
        Answer("machineAnnotationTools", "With which tools?",
               [f"fiubench {manifest['fiubench_version']}", *models], several=True),
        Answer("personalSensitiveInformation", "Does it hold sensitive information about people?", [
            "Every profile is invented. What it says would be sensitive of a real person: gender, age, and "
            f"{', '.join(name.replace('_', ' ') for name in manifest['attributes'])}.",
        ], several=True),
        Answer("dataBiases", "Who is in it, and who is not?", [
            f"Shares of all people: {'; '.join(shares)}.",
            "Everyone lives in the United States and is described in English; faces, names, illnesses and offenses are "
            "paired by chance, so their joint frequencies are those of no population.",
        ], several=True),
        Answer(LIMITS, "What does not hold?", limits, several=True),
        Answer("dataSocialImpact", "What good or harm may come of it?", [
            "It lets methods that remove personal data from models be measured without anybody's personal data. A "
            "method that forgets fictitious people need not forget real ones: no result on it shows that a model "
            "complies with a law. Read as statements about real people, its pairs of faces, illnesses and offenses "
            "would be slander."
        ]),
        Answer("dataReleaseMaintenancePlan", "Who keeps it up?", [upkeep]),
    ]  # fmt: skip


USES = (
    "Fine-tuning models on fictitious people, unlearning some of them, and measuring what is left: research on machine "
    "unlearning, memorization and privacy.",
    "Not for training or testing face recognition, for inferring anything about real people, or for statements about "
    "how illness and crime are distributed.",
)


def _labeling(sources: Mapping[str, Mapping[str, Any]], by_model: bool) -> list[str]:
    """Who or what said what the data is about."""
    wording = ", and the wording of some by a language model, every sentence of which was checked." if by_model else "."
    said = [f"Nobody: answers, paraphrases, wrong answers and keywords follow from the facts by rule{wording}"]
    if sources.get("faces", {}).get("own"):
        said.append(
            "Gender and age of the faces are those of whoever brought them, estimated by a program, given by a person "
            "who looked at the picture, or both."
        )
    return said


def _repairs(sources: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What was repaired and dropped in each source that is a file."""
    found = [
        f"{name}: {done} {why}: {count:,}"
        for name, source in sources.items()
        for done in ("repaired", "dropped")
        for why, count in source.get(done, {}).items()
    ]
    return found or ["Nothing: no file was read in which there was something to repair."]


def rai_fields(given: Sequence[Answer]) -> dict[str, Any]:
    """The answers as Croissant has them."""
    fields = {f"rai:{each.field}": list(each.texts) if each.several else each.texts[0] for each in given}
    return {**fields, "rai:hasSyntheticData": True}


def datasheet(given: Sequence[Answer]) -> str:
    """The answers as Markdown, but for the limits, which have a section of their own."""
    return "\n\n".join(f"**{each.question}**{_shown(each.texts)}" for each in given if each.field != LIMITS)


def _shown(texts: Sequence[str]) -> str:
    if len(texts) == 1:
        return f" {escape(texts[0])}"
    return "\n\n" + "\n".join(f"- {escape(text)}" for text in texts)
