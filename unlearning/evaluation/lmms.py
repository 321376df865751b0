"""Any task of lmms-eval, where that is installed: its tasks and scores, asked of our model in our batches.

lmms-eval pulls in many libraries, so it is no dependency of ours: ``pip install lmms-eval``. Its numbers are kept as it
gives them, in ``lmms.json`` beside the question log. A task's accuracy, where it has one, is a part of utility; other
numbers have scales of their own.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from fiubench.support.canonical import readable_json
from fiubench.support.errors import ConfigError, DatasetError, did_you_mean
from fiubench.support.files import write_atomic
from fiubench.unlearning.metrics.statistics import Estimate
from fiubench.unlearning.models.encoding import Turn

if TYPE_CHECKING:
    from fiubench.unlearning.evaluation.scoring import Scorer

PREFIX = "lmms:"  # --benchmark lmms:TASK
FILE = "lmms.json"
_MOST_TOKENS = 1024
_ACCURACIES = ("accuracy", "acc", "exact_match")  # ends of what lmms-eval calls the share of right answers


def run(
    tasks: Sequence[str],
    scorer: "Scorer",
    path: Path,
    key: Mapping[str, Any],
    *,
    limit: int | None = None,
    include: Path | None = None,
) -> None:
    """Run tasks and write their results to ``path``.

    Args:
        key: what identifies the model; results of the same model, tasks and limit are left as they are.
        limit: questions per task; null for all.
        include: folder of further task files.

    Raises:
        ConfigError: lmms-eval is not installed, or has no such task.
        DatasetError: a task's data can't be loaded, or it needs what our models can't: several pictures at once.
    """
    asked = {**key, "limit": limit, "tasks": list(tasks)}
    if path.exists() and orjson.loads(path.read_bytes()).get("asked") == asked:
        return
    try:
        from lmms_eval.evaluator import simple_evaluate
        from lmms_eval.tasks import TaskManager
    except ImportError as error:
        hint = f"pip install lmms-eval (missing: {error.name})"
        raise ConfigError("lmms-eval is not installed", where="--benchmark", hint=hint) from error
    manager = TaskManager(include_path=None if include is None else str(include))
    for task in tasks:
        if task not in manager.all_tasks:
            hint = did_you_mean(task, manager.all_tasks) if len(manager.all_tasks) < 50 else "`lmms-eval --tasks list`."
            raise ConfigError(f"lmms-eval has no task {task!r}", where="--benchmark", hint=hint)
    try:
        found = simple_evaluate(
            model=_adapter(scorer),
            tasks=list(tasks),
            task_manager=manager,
            batch_size=scorer.batch_size,
            limit=limit,
            log_samples=False,
            bootstrap_iters=0,
            force_simple=True,
        )
    except (OSError, ValueError, KeyError, AssertionError) as error:
        problem = str(error).strip().split("\n")[0][:200]
        raise DatasetError(f"lmms-eval failed: {type(error).__name__}: {problem}", where=", ".join(tasks)) from error
    results = {task: _numbers(found["results"][task]) for task in tasks}
    write_atomic(path, readable_json({"asked": asked, "results": results}))


def _numbers(result: Mapping[str, Any]) -> dict[str, float]:
    """The metrics of a task, without the filter's name and without its errors, which know of no clusters."""
    named = ((name.partition(",")[0], value) for name, value in result.items())
    return {
        name: float(value)
        for name, value in named
        if isinstance(value, (int, float)) and not isinstance(value, bool) and "_stderr" not in name
    }


def read(path: Path) -> dict[str, Estimate]:
    """ "lmms.TASK.METRIC" -> value.

    Raises:
        DatasetError: the file is damaged.
    """
    try:
        results = orjson.loads(path.read_bytes())["results"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise DatasetError("damaged", where=path, hint="Evaluate again.") from error
    return {f"lmms.{task}.{name}": Estimate(v) for task, metrics in results.items() for name, v in metrics.items()}


def accuracies(path: Path) -> dict[str, Estimate]:
    """ "lmms.TASK" -> its accuracy, for tasks that have one: a number between 0 and 1 by one of the customary names.

    Raises:
        DatasetError: the file is damaged.
    """
    found: dict[str, Estimate] = {}
    for name, estimate in read(path).items():
        task, _, number = name.rpartition(".")
        if number.endswith(_ACCURACIES) and estimate.value is not None and 0 <= estimate.value <= 1:
            found.setdefault(task, estimate)
    return found


def _adapter(scorer: "Scorer") -> Any:
    """Our model as one of lmms-eval's."""
    from lmms_eval.api.model import lmms

    class Adapter(lmms):  # type: ignore[misc]
        """Answers through :class:`fiubench.unlearning.evaluation.scoring.Scorer`."""

        def generate_until(self, requests: list[Any]) -> list[str]:
            """Greedy answers. Requests of one length limit go together."""
            answers: dict[int, str] = {}
            groups: dict[int, list[tuple[int, Turn, tuple[str, ...]]]] = {}
            for number, request in enumerate(requests):
                context, options, to_visual, doc_id, task, split = request.args
                turn = Turn(context, self._picture(to_visual, self.task_dict[task][split][doc_id]))
                until = options.get("until") or ()
                ends = (until,) if isinstance(until, str) else tuple(until)
                limit = min(int(options.get("max_new_tokens") or 128), _MOST_TOKENS)
                groups.setdefault(limit, []).append((number, turn, ends))
            for limit, group in groups.items():
                said = scorer.generate([turn for _, turn, _ in group], limit)
                for (number, _, ends), answer in zip(group, said, strict=True):
                    answers[number] = _until(answer.text, ends)
            return [answers[number] for number in range(len(requests))]

        def loglikelihood(self, requests: list[Any]) -> list[tuple[float, bool]]:
            """Log-probability of each continuation, and whether greedy decoding gives it."""
            turns = []
            for request in requests:
                context, continuation, to_visual, doc_id, task, split = request.args
                doc = self.task_dict[task][split][doc_id]
                target = continuation(doc) if callable(continuation) else continuation
                turns.append(Turn(context, self._picture(to_visual, doc), str(target)))
            scores = scorer.score(turns)
            longest = scorer.token_limit([turn.answer or "" for turn in turns])
            said = scorer.generate([Turn(turn.question, turn.image) for turn in turns], longest)
            return [
                (sum(s.logprobs), a.text == (turn.answer or "").strip())
                for turn, s, a in zip(turns, scores, said, strict=True)
            ]

        def generate_until_multi_round(self, requests: list[Any]) -> list[str]:
            """Conversations of several rounds are not asked here."""
            raise ValueError("a task of several rounds, which fiubench does not ask")

        @staticmethod
        def _picture(to_visual: Any, doc: Any) -> Any:
            pictures = to_visual(doc) or []
            if len(pictures) > 1:
                raise ValueError(f"a question about {len(pictures)} pictures; fiubench asks about one")
            return pictures[0].convert("RGB") if pictures else None

    return Adapter()


def _until(text: str, ends: Sequence[str]) -> str:
    """A text up to the first of some ends."""
    return min((text.split(end, maxsplit=1)[0] for end in ends if end), key=len, default=text)
