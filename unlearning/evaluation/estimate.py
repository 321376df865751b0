"""What an evaluation would take, from what is asked first."""

import time
from collections.abc import Sequence
from dataclasses import replace

from fiubench.support.progress import Report, silent
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.modality import Modality
from fiubench.unlearning.evaluation.conditions import conditions, plan_of
from fiubench.unlearning.evaluation.controls import Control
from fiubench.unlearning.evaluation.questions import Questions
from fiubench.unlearning.evaluation.subject import Subject
from fiubench.unlearning.evaluation.workers import Here, reply
from fiubench.unlearning.models.measuring import duration, held, peak, reset_peak, size


def estimate(
    subject: Subject,
    data: Data,
    forget: str,
    *,
    controls: Sequence[Control] = (),
    ask: Modality | None = None,
    batch_size: int = 16,
    max_new_tokens: int | None = None,
    device: str = "auto",
    dtype: str = "auto",
    workers: int = 1,
    report: Report = silent,
) -> None:
    """Report what an evaluation would take, from what is asked first, of the model itself. Writes nothing.

    Arguments and what is raised are those of :func:`~fiubench.unlearning.evaluation.evaluate.evaluate`.
    """
    reset_peak()
    asked_by, controls = conditions(subject, data, ask, controls)
    began, plan = time.monotonic(), plan_of(data, forget, controls, asked_by)
    model = Here(subject.target, device, dtype, batch_size)
    asked = Questions(subject, data, forget, plan, model, max_new_tokens, silent, report)
    generated, scored = (sum(numbers) for numbers in zip(*(asked.counts(*each) for each in plan), strict=True))
    report(f"{generated} answers to be generated, {scored} to be scored, {len(plan)} rounds of questions")
    one = asked.first()
    # what happens once: the first passes, and the comparison of shared with whole ones
    reply(model.scorer, replace(one, prompts=one.prompts[:2], answers=one.answers[:2], others=()))
    loading, times = time.monotonic() - began, [time.monotonic()]
    model.scorer.generate(one.prompts, one.max_new_tokens)
    times.append(time.monotonic())
    model.scorer.score([*one.answers, *one.others])
    times.append(time.monotonic())
    each = (times[1] - times[0]) / len(one.prompts), (times[2] - times[1]) / (len(one.answers) + len(one.others))
    weights, (most, of_what) = held(model.scorer.model.parameters()), peak()
    for note in model.scorer.notes:
        report(note)
    report(f"memory: weights {size(weights)} in each process; at the peak, {of_what}: {size(most)}")
    first = f"measured on the first {len(one.prompts)} questions"
    report(f"{first}: {each[0]:.3f} s an answer generated, {each[1]:.3f} s one scored")
    total = loading + (generated * each[0] + scored * each[1]) / workers
    shared = f" in {workers} processes, if they do not slow each other down" if workers > 1 else ""
    report(f"estimate: {duration(total)}{shared}; answers of at most {one.max_new_tokens} tokens")
