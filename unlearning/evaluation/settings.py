"""Settings of an evaluation: what a model is asked, how, and what its scores are held to."""

from typing import Annotated

from fiubench.support.settings import Field, Flag, Settings
from fiubench.unlearning.evaluation.gates import MEMORISED
from fiubench.unlearning.metrics.definition import Definition

ALL = "all"
_ASKED, _SCORED, _JUDGE, _RUNNING = Flag("Questions"), Flag("Scoring"), Flag("Judge"), Flag("Running")


class ScoringSettings(Settings):
    """How models are evaluated, whichever they are."""

    controls: Annotated[tuple[str, ...], Flag("Questions", separator=",")] = ("none",)
    """Conditions under which to ask again: names with commas between, all, none, or a FILE.yaml."""
    definition: Annotated[str | Definition, _SCORED] = "corrected"
    """How metrics are computed: upstream, paper, corrected, or FILE.yaml[:NAME] of your own."""
    memorised: Annotated[float, Field(ge=0, le=1), _SCORED] = MEMORISED
    """Exact match on the forget set from which on the model before unlearning has memorised it."""
    force: Annotated[bool, Flag("Scoring", default="no")] = False
    """Compute the metrics although a condition does not hold, and mark every table with it."""
    batch_size: Annotated[int, Field(ge=1), _RUNNING] = 16
    """Questions that the model answers in one pass; answers do not depend on it."""


class EvaluationSettings(ScoringSettings):
    """The options of `fiubench evaluate`."""

    data: Annotated[str | None, _ASKED] = None
    """Dataset folder, release or Hub id; by default that of the run."""
    forget: Annotated[str | None, _ASKED] = None
    """Forget set, such as forget05; by default that of the run."""
    checkpoint: Annotated[str | None, _ASKED] = None
    """Checkpoint of a run: a step, or all; by default the final one."""
    benchmarks: Annotated[tuple[str, ...], Flag("Questions", name="--benchmark")] = ()
    """General ability: lmms:TASK of lmms-eval, or NAME=FILE.parquet of yes/no questions. Repeatable."""
    benchmark_limit: Annotated[int | None, Field(ge=1), _ASKED] = None
    """Most questions to ask of each benchmark."""
    reference: Annotated[str | None, _SCORED] = None
    """Evaluated run (or log) of the retain reference, fine-tuned on the retain set alone."""
    before: Annotated[str | None, _SCORED] = None
    """Evaluated run (or log) of the model that unlearning started from; by default that of the run."""
    judge: Annotated[str | None, _JUDGE] = None
    """URL of an OpenAI-compatible server whose model judges the answers."""
    judge_model: Annotated[str, _JUDGE] = "gpt-4o-mini"
    """With --judge: name of the model at its server."""
    judge_key_env: Annotated[str, _JUDGE] = "OPENAI_API_KEY"
    """With --judge: environment variable that holds the API key."""
    judge_max_calls: Annotated[int | None, Field(ge=0), _JUDGE] = None
    """With --judge: most calls for one log."""
    max_new_tokens: Annotated[int | None, Field(ge=50), _RUNNING] = None
    """Most tokens of an answer; by default room for the longest true one."""
    device: Annotated[str, _RUNNING] = "auto"
    """Device of the model: cpu, cuda, ..; auto takes a GPU where there is one."""
    dtype: Annotated[str, _RUNNING] = "auto"
    """Number format of the weights: float32, bfloat16, float16 or auto."""
