"""Settings of an evaluation: what a model is asked, how, and what its scores are held to."""

from typing import Annotated

from fiubench.support.settings import Field, Flag, Settings
from fiubench.unlearning.evaluation.gates import MEMORISED
from fiubench.unlearning.metrics.definition import Definition

ALL = "all"
_ASKED, _SCORED, _JUDGE, _RUNNING = Flag("Questions"), Flag("Scoring"), Flag("Judge"), Flag("Running")


class ScoringSettings(Settings):
    """How models are evaluated, whichever they are."""

    controls: Annotated[tuple[str, ...], Flag("Questions", separator=",")] = Field(
        ("none",), description="Comma-separated, all, none, or FILE.yaml of your own."
    )
    definition: Annotated[str | Definition, _SCORED] = Field(
        "corrected", description="upstream, paper or corrected; or FILE.yaml[:NAME] of your own."
    )
    memorised: Annotated[float, _SCORED] = Field(
        MEMORISED, ge=0, le=1, description="Exact match that the model before unlearning must have on the forget set."
    )
    force: Annotated[bool, Flag("Scoring", default="no")] = Field(
        False, description="Score although a condition does not hold; tables are marked."
    )
    batch_size: Annotated[int, _RUNNING] = Field(16, ge=1, description="Questions at once.")


class EvaluationSettings(ScoringSettings):
    """The options of `fiubench evaluate`."""

    data: Annotated[str | None, _ASKED] = Field(
        None, description="Dataset folder, release or Hub id; a run knows its own."
    )
    forget: Annotated[str | None, _ASKED] = Field(None, description="Forget set, where the run does not imply it.")
    checkpoint: Annotated[str | None, _ASKED] = Field(
        None, description="Of a run: a step, or all. Without it, the final one."
    )
    benchmarks: Annotated[tuple[str, ...], Flag("Questions", name="--benchmark")] = Field(
        (),
        description="lmms:TASK for a task of lmms-eval, or NAME=FILE.parquet of yes/no questions. Repeatable.",
    )
    benchmark_limit: Annotated[int | None, _ASKED] = Field(None, ge=1, description="Questions per benchmark.")
    reference: Annotated[str | None, _SCORED] = Field(
        None, description="Run (or log) of the model that was trained on the retain set alone."
    )
    before: Annotated[str | None, _SCORED] = Field(
        None, description="Run (or log) that unlearning started from; a run knows its own."
    )
    judge: Annotated[str | None, _JUDGE] = Field(
        None, description="URL of an OpenAI-compatible server that judges answers."
    )
    judge_model: Annotated[str, _JUDGE] = Field("gpt-4o-mini", description="Its model.")
    judge_key_env: Annotated[str, _JUDGE] = Field(
        "OPENAI_API_KEY", description="Environment variable that holds its key."
    )
    judge_max_calls: Annotated[int | None, _JUDGE] = Field(None, ge=0, description="Most calls to it for one log.")
    max_new_tokens: Annotated[int | None, _RUNNING] = Field(
        None, ge=50, description="Longest answer; without it, room for the longest true one."
    )
    device: Annotated[str, _RUNNING] = Field("auto", description="cpu, cuda, ..; auto takes a GPU where there is one.")
    dtype: Annotated[str, _RUNNING] = Field("auto", description="float32, bfloat16, ..")
