"""What sharing the beginning of prompts saves in an evaluation, as ratios of CPU time.

    OMP_NUM_THREADS=1 python benchmarks/prefixes.py [--hidden 512] [--layers 8] [--questions 20] [--rounds 3]

A LLaVA of random weights with the 576 image tokens of LLaVA-1.5 is asked about one person, whole and shared in turn,
since other work on the machine comes and goes. Questions and pictures are prepared beforehand.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.evaluation.scoring import Scorer
from fiubench.unlearning.models import tiny
from fiubench.unlearning.models.encoding import Turn
from fiubench.unlearning.models.loading import load

import fiubench

Work = Callable[[Scorer], list[Any]]


def measure(name: str, count: int, work: Work, scorers: dict[bool, Scorer], rounds: int) -> None:
    seconds: dict[bool, list[float]] = {False: [], True: []}
    results = {}
    for _ in range(rounds):
        for shared, scorer in scorers.items():
            scorer._last = None
            began = time.process_time()
            results[shared] = work(scorer)
            seconds[shared].append(time.process_time() - began)
    ratio = statistics.median(a / b for a, b in zip(seconds[False], seconds[True], strict=True))
    whole, shared = (statistics.median(seconds[key]) for key in (False, True))
    print(
        f"| {name} | {count} | {whole:.1f} s, {count / whole:.1f} /s | {shared:.1f} s, {count / shared:.1f} /s | ",
        end="",
    )
    print(f"{ratio:.1f} x | {agreement(results[False], results[True])} |", flush=True)


def agreement(whole: list[Any], shared: list[Any]) -> str:
    if hasattr(whole[0], "text"):
        return f"{sum(a == b for a, b in zip(whole, shared, strict=True))} of {len(whole)} the same"
    gap = max(
        abs(x - y) for a, b in zip(whole, shared, strict=True) for x, y in zip(a.logprobs, b.logprobs, strict=True)
    )
    return f"within {gap:.0e}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hidden", type=int, default=512)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--questions", type=int, default=20)
    parser.add_argument("--new-tokens", type=int, default=50)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fiubench.build(fiubench.make_config({"identities": 10, "ratios": [10]}), folder / "dataset")
        data = Data.open(folder / "dataset")
        size = tiny.Size(
            image=336, patch=14, vision_hidden=wanted.hidden, vision_layers=4, hidden=wanted.hidden,
            layers=wanted.layers, heads=8, context=1024,
        )  # fmt: skip
        tiny.make(data.texts, size, 0, folder / "model")
        loaded = load(folder / "model", device="cpu", dtype="float32")
        samples = data.samples("forget10")[: wanted.questions]
        image = data.image(samples[0].unique_id)
    print(f"{loaded.model.num_parameters() / 1e6:.0f} M weights, {torch.get_num_threads()} thread(s)")
    scorers = {share: Scorer(loaded.model, loaded.processor, wanted.batch_size, share=share) for share in (False, True)}
    scorers[True].encoder = scorers[False].encoder
    prompts = [Turn(q, image) for s in samples for q in (s.question, *s.paraphrased_question)]
    answers = [
        Turn(s.question, image, answer)
        for s in samples
        for answer in (s.answer, s.paraphrased_answer, *s.perturbed_answer)
    ]
    for turn in (*prompts, *answers):
        scorers[True].encoder([turn], for_generation=turn.answer is None)
    scorers[True].generate(prompts[:2], 2)  # the comparison with whole passes is made once a model
    scorers[True].score(answers[:2])
    print("| what | texts | whole, CPU | shared, CPU | ratio | results |\n|---|---|---|---|---|---|")
    rounds = wanted.rounds
    measure("score the answers to one question", 5, lambda scorer: list(scorer.score(answers[:5])), scorers, rounds)
    measure(
        "score everything about a person", len(answers), lambda scorer: list(scorer.score(answers)), scorers, rounds
    )
    length = wanted.new_tokens
    measure(
        f"generate, {length} tokens",
        len(prompts),
        lambda scorer: list(scorer.generate(prompts, length)),
        scorers,
        rounds,
    )
    assert not scorers[True].notes, scorers[True].notes


if __name__ == "__main__":
    main()
