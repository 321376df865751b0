"""The released code's numbers, computed once more by a slow and separate reading of its formulas."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fiubench.unlearning.data.log import QuestionLog
from fiubench.unlearning.metrics.aggregate import Scored, score
from fiubench.unlearning.metrics.definition import load_definitions
from fiubench.unlearning.metrics.statistics import missing
from rouge_score import rouge_scorer
from scipy.stats import hmean, ks_2samp

from tests.unlearning import sample_logs

FOLDER = Path(__file__).resolve().parents[4] / "shared/data/upstream_golden"
WEIGHTS = [0.3, 0.3, 0.2, 0.1, 0.1]
SHARES = [0.1, 0.2, 0.3, 0.4, 0.5]


def rambling() -> QuestionLog:
    """A model that is right now and then, goes on after its full stop, and sometimes never comes to one."""

    def says(role: str, answer: str, attribute: str) -> str:
        kind = sum(map(ord, role + answer)) % 4
        return [f"{answer} And so. 5.", f"Perhaps {answer[:-1]}", "The room was 107. B-", f"  {answer.lower()}"][kind]

    return sample_logs.log(says, lambda role, kind: {"true": -0.8, "wrong": -1.2}[kind])


def loss(logprobs: Sequence[float]) -> float:
    """Sum over the answer's tokens but the first, divided by all of them; the end of sequence is no token of it."""
    labelled = logprobs[:-1]
    total = 0.0
    for logprob in labelled[1:]:
        total -= logprob
    return total / len(labelled)


def membership(values: Sequence[float]) -> float:
    total = 0.0
    for weight, share in zip(WEIGHTS, SHARES, strict=True):
        lowest = sorted(values)[: math.floor(len(values) * share)]
        if lowest:
            total += weight * math.exp(sum(lowest) / len(lowest))
    return total


def cut(text: str) -> str:
    return text.split(".", maxsplit=1)[0] + "." if "." in text else ""


def keywords_found(text: str, keywords: Sequence[str]) -> float:
    return sum(1 / len(keywords) for keyword in keywords if keyword.lower() in text.lower())


def ratio(row: Mapping[str, Any]) -> float:
    wrong = [loss(p) for p in row["perturbed_logprobs"]]
    return math.exp(sum(wrong) / len(wrong) - loss(row["paraphrased_logprobs"]))


def slow(log: QuestionLog, reference: QuestionLog) -> dict[str, float]:
    scorer = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=True)
    found: dict[str, float] = {}
    for role in ("forget", "retain"):
        rows = log.select(role)
        rouge = [scorer.score(r["answer"], cut(r["generated"])[:-1])["rougeL"].recall for r in rows]
        found[f"{role}.rouge"] = float(np.mean(rouge))
        found[f"{role}.exact_match"] = float(
            np.mean([keywords_found(cut(r["generated"]), r["keywords"]) for r in rows])
        )
        again = [keywords_found(cut(text), r["keywords"]) for r in rows for text in r["generated_paraphrased"]]
        found[f"{role}.ape_mean"] = float(np.mean(again))
        ratios = [ratio(row) for row in rows]
        if role == "forget":
            found["forget.probability"] = float(np.mean([math.exp(-loss(r["answer_logprobs"])) for r in rows]))
            found["forget.truth_ratio"] = float(np.mean([min(r, 1 / r) for r in ratios]))
        else:
            shares = []
            for row in rows:
                p = math.exp(-loss(row["answer_logprobs"]))
                shares.append(p / (p + sum(math.exp(-loss(wrong)) for wrong in row["perturbed_logprobs"])))
            found["retain.probability"] = float(np.mean(shares))
            found["retain.truth_ratio"] = float(np.mean([max(0, 1 - 1 / r) for r in ratios]))
    forget = log.select("forget")
    found["forget.min_k"] = float(np.mean([membership(r["answer_logprobs"][1:-1]) for r in forget]))
    plus = [
        [
            (lp - mu) / sigma
            for lp, mu, sigma in zip(r["answer_logprobs"], r["answer_mu"], r["answer_sigma"], strict=True)
        ]
        for r in forget
    ]
    found["forget.min_k_plus"] = float(np.mean([membership(values[1:-1]) for values in plus]))
    test = ks_2samp([ratio(r) for r in forget], [ratio(r) for r in reference.select("forget")])
    found["ks.p"], found["ks.distance"] = float(test.pvalue), float(test.statistic)
    found["forget_quality"] = found["ks.p"]
    judged = [row["judge"] for row in log.select("retain")]
    parts = [found[f"retain.{name}"] for name in ("rouge", "probability", "truth_ratio", "exact_match")]
    found["utility.model"] = float(hmean([*parts, 0.0 if None in judged else float(np.mean(judged))]))
    return found


def judged() -> QuestionLog:
    """The same, with the scores of a judge."""
    log = rambling()
    return QuestionLog([{**row, "judge": i % 7 / 6} for i, row in enumerate(log.rows)], log.metadata)


@pytest.mark.parametrize("make", [rambling, judged, sample_logs.perfect, sample_logs.refusing, sample_logs.ignorant])
def test_upstream_reproduces_the_released_code(make: Any) -> None:
    log, reference = make(), sample_logs.reference()
    found = score(log, load_definitions()["upstream"], reference)
    expected = slow(log, reference)
    for name, value in expected.items():
        assert found.value(name) == pytest.approx(value, rel=1e-6, abs=1e-6), name


def test_upstream_counts_a_judge_that_is_not_there_as_zero_and_says_so() -> None:
    found = score(rambling(), load_definitions()["upstream"]).metrics["utility.model"]
    assert (found.value, found.why) == (0.0, "counted as 0, as the definition says: retain.judge: no judge")
    whole = score(judged(), load_definitions()["upstream"])
    assert whole.metrics["utility.model"].why is None
    assert (whole.value("utility.model") or 0) > 0.1


# what the released code calls a number -> what it is here
GOLDEN = {
    "ROUGE Forget": "forget.rouge",
    "ROUGE Retain": "retain.rouge",
    "Prob. Forget": "forget.probability",
    "Prob. Retain": "retain.probability",
    "Truth Ratio Forget": "forget.truth_ratio",
    "Truth Ratio Retain": "retain.truth_ratio",
    "Exact Match": "forget.exact_match",
    "EM Retain": "retain.exact_match",
    "GPT Retain": "retain.judge",
    "APE forget": "forget.ape_mean",
    "Mink": "forget.min_k",
    "Mink++": "forget.min_k_plus",
    "KS Test PVal Forget": "ks.p",
    "KS Test Forget": "ks.distance",
    "Forget Quality": "forget_quality",
    "Model Utility": "utility.model",
}
# what each configuration leaves out; the released code counts it as 0
UNCONFIGURED = {
    "judge_and_em": (),
    "em_without_judge": ("retain.judge",),
    "as_shipped_rouge_only": ("retain.judge", "retain.exact_match"),
}


@pytest.mark.skipif(not FOLDER.is_dir(), reason="sample data is absent")
@pytest.mark.parametrize("configuration", list(UNCONFIGURED))
def test_upstream_is_what_the_released_functions_gave(configuration: str) -> None:
    """Two logs and the numbers that the released functions made of them, when they were run."""
    released = json.loads((FOLDER / "released.json").read_text())
    assert released.keys() == UNCONFIGURED.keys() and released[configuration].keys() == GOLDEN.keys()
    upstream = load_definitions()["upstream"]
    unlearned, reference = (
        QuestionLog([json.loads(line) for line in (FOLDER / f"{name}.jsonl").read_text().splitlines()], {})
        for name in ("unlearned", "reference")
    )
    left_out = dict.fromkeys(UNCONFIGURED[configuration], missing("not configured"))
    found = Scored(unlearned, upstream, Scored(reference, upstream), known=left_out)
    for name, key in GOLDEN.items():
        value = 0.0 if key in left_out else found[key].value
        assert value == pytest.approx(released[configuration][name], abs=1e-6), name


def test_upstream_stops_at_fifty_tokens() -> None:
    log = sample_logs.perfect()
    long = [{**row, "generated": "x " * 60 + row["answer"], "generated_prefix": "x " * 50} for row in log.rows]
    definitions = load_definitions()
    found = QuestionLog(long, log.metadata)
    assert score(found, definitions["upstream"]).value("retain.exact_match") == 0
    assert score(found, definitions["corrected"]).value("retain.exact_match") == 1


def test_paper_composites_by_its_own_table() -> None:
    """Table 2: GD has ln p -5.80, EM 18.9, MIA 12.6, APE 19.0, and 80.7 on the whole."""
    how = load_definitions()["paper"].forget_quality
    terms = {"ks": 5.80 / how.ks_scale, "exact_match": 0.189, "membership": 0.126, "ape": 0.190}
    whole = sum(weight * (1 - terms[name]) for name, weight in how.weights.items())
    assert whole == pytest.approx(0.807, abs=5e-4)
