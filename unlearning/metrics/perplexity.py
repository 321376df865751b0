"""Perplexity: does the model before unlearning find the answer likely? It does not where it is no language."""

import math

from fiubench.unlearning.metrics.aggregate import Scored, average
from fiubench.unlearning.metrics.base import log_metric
from fiubench.unlearning.metrics.statistics import Estimate, missing

_BOUNDS = (1.0, math.inf)


@log_metric("forget.perplexity", title="forget: perplexity", short="ppl.", column_if="known", bounds=_BOUNDS)
def forget(scored: Scored) -> Estimate:
    """How unlikely the model before unlearning finds the answers: 1 is certain, its vocabulary's size a guess.

    exp of the mean over the questions of L(g), under the model that unlearning started from; empty answers left out
    """
    return _perplexity(scored, "forget")


@log_metric("retain.perplexity", title="retain: perplexity", short="ppl.", column_if="known", bounds=_BOUNDS)
def retain(scored: Scored) -> Estimate:
    """The same of answers about the retain set.

    the same on the retain set
    """
    return _perplexity(scored, "retain")


def _perplexity(scored: Scored, role: str) -> Estimate:
    asked = scored.sets[role]
    tokens = [(question, question.row.get("generated_logprobs")) for question in asked]
    if any(logprobs is None for _, logprobs in tokens):
        return missing("the answers were not shown to the model before unlearning")
    losses = {question.key: -sum(logprobs) / len(logprobs) for question, logprobs in tokens if logprobs}
    if asked and not losses:
        return missing("every answer is empty")
    found = average([question for question, logprobs in tokens if logprobs], lambda question: losses[question.key])
    if found.value is None:
        return found
    value = math.exp(found.value)
    se = None if found.se is None else value * found.se  # of a logarithm, by the delta method
    return Estimate(value, se, found.n, found.identities)
