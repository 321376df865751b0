"""Settings of an evaluation: what a model is asked, how, and what its scores are held to."""

from typing import Annotated

from fiubench.support.settings import Field, Flag, Settings
from fiubench.unlearning.data.modality import Modality
from fiubench.unlearning.evaluation.gates import MEMORISED
from fiubench.unlearning.metrics.definition import Definition

ALL = "all"
_OF_THE_RUN = "that of the run"


class ScoringSettings(Settings):
    """How models are evaluated, whichever they are."""

    controls: Annotated[tuple[str, ...], Flag("Questions", metavar="NAME,NAME,..", separator=",")] = ("none",)
    """Ask everything again under control conditions, such as a blank image: their names with commas between, all, none,
    or a FILE.yaml of your own."""
    definition: Annotated[str | Definition, Flag("Scoring", metavar="NAME|FILE")] = "corrected"
    """Compute the metrics as the original code does (upstream), as the paper describes them (paper), without the errors
    of both (corrected), or as a FILE.yaml[:NAME] of your own says."""
    memorised: Annotated[float, Field(ge=0, le=1), Flag("Scoring", metavar="SHARE")] = MEMORISED
    """Refuse to score unlearning unless the model before it had an exact match of at least this, from 0 to 1, on the
    forget set: what was never memorised can't be forgotten."""
    force: Annotated[bool, Flag("Scoring", default="no")] = False
    """Compute the metrics although a condition does not hold, such as that of --memorised, and mark every table with
    it."""
    batch_size: Annotated[int, Field(ge=1), Flag("Running", metavar="N")] = 16
    """Have the model answer this many questions in one pass: fewer need less memory, the answers stay the same."""


class EvaluationSettings(ScoringSettings):
    """The options of `fiubench evaluate`."""

    data: Annotated[str | None, Flag("Questions", metavar="DATASET", default=_OF_THE_RUN)] = None
    """Ask the questions of this dataset: a dataset folder, a release folder or OWNER/NAME on the Hub."""
    forget: Annotated[str | None, Flag("Questions", metavar="SPLIT", default=_OF_THE_RUN)] = None
    """Evaluate how this forget set is forgotten, such as forget05."""
    ask: Annotated[
        Modality | None, Flag("Questions", metavar="picture|name|both", default="as the model was taught")
    ] = None
    """Point people out by their picture, by their name without a picture, or ask each question both ways; metrics are
    then of the questions by picture, and those by name stand beside them."""
    checkpoint: Annotated[str | None, Flag("Options", metavar="STEP|all", default="the final one")] = None
    """Evaluate the checkpoint that the run wrote after this step, or all its checkpoints."""
    benchmarks: Annotated[
        tuple[str, ...], Flag("Benchmarks", name="--benchmark", metavar="BENCHMARK", default="none")
    ] = ()
    """Measure general ability too, by a task of lmms-eval (lmms:TASK) or a file of yes/no questions
    (NAME=FILE.parquet); repeat the option for several."""
    benchmark_limit: Annotated[int | None, Field(ge=1), Flag("Benchmarks", metavar="N", default="all")] = None
    """Ask only this many questions of each benchmark."""
    reference: Annotated[str | None, Flag("Scoring", metavar="RUN|LOG")] = None
    """Compare with the retain reference, the model that was fine-tuned on the retain set alone: its evaluated run, or
    its log."""
    before: Annotated[str | None, Flag("Scoring", metavar="RUN|LOG", default=_OF_THE_RUN)] = None
    """Compare with the model that unlearning started from: its evaluated run, or its log."""
    judge: Annotated[str | None, Flag("Judge", metavar="URL", default="no judge")] = None
    """Have a language model at this OpenAI-compatible server judge whether answers are right."""
    judge_model: Annotated[str, Flag("Judge", metavar="NAME")] = "gpt-4o-mini"
    """With --judge: ask the model that has this name at its server."""
    judge_key_env: Annotated[str, Flag("Judge", metavar="NAME")] = "OPENAI_API_KEY"
    """With --judge: read the API key from the environment variable of this name."""
    judge_max_calls: Annotated[int | None, Field(ge=0), Flag("Judge", metavar="N", default="no limit")] = None
    """With --judge: make at most this many calls for one log."""
    max_new_tokens: Annotated[
        int | None, Field(ge=50), Flag("Running", metavar="N", default="room for the longest true answer")
    ] = None
    """Cut an answer of the model off after this many tokens, at least 50."""
    device: Annotated[str, Flag("Running", metavar="NAME")] = "auto"
    """Run the model on this device: cpu, cuda, ..; auto takes a GPU where there is one, spread puts the layers on all
    GPUs, and in memory where they are too small."""
    dtype: Annotated[str, Flag("Running", metavar="auto|float32|bfloat16|float16|8bit|4bit")] = "auto"
    """Hold the weights in this number format; auto chooses by the device. 8bit and 4bit need the package
    bitsandbytes."""
    workers: Annotated[int, Field(ge=1, le=64), Flag("Running", metavar="N")] = 1
    """Ask in this many processes, each with a copy of the model, on a GPU of its own where there are several; the
    answers stay the same."""
