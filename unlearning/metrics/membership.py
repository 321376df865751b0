"""Membership inference: can those of the forget set be recognised as people that the model was trained on?"""

from functools import partial

import numpy as np
from fiubench.unlearning.metrics import likelihood
from fiubench.unlearning.metrics.aggregate import Scored, average
from fiubench.unlearning.metrics.base import log_metric
from fiubench.unlearning.metrics.questions import Question
from fiubench.unlearning.metrics.statistics import SHARE, Estimate, missing


@log_metric("forget.min_k", title="forget: Min-K (AUC, or weighted)", short="Min-K", bounds=SHARE)
def min_k(scored: Scored) -> Estimate:
    """Whether an attacker can distinguish the forget set from people never trained on; 0.5 is chance.

    P(score of one of the forget set > score of one of the holdout), the score being the mean of the lowest share of
    log p(t) over a's tokens (Shi et al., 2024)
    """
    return _attack(scored, plus=False)


@log_metric("forget.min_k_plus", title="forget: Min-K++ (likewise)", short="Min-K++", column_if="page", bounds=SHARE)
def min_k_plus(scored: Scored) -> Estimate:
    """The same attack, with each token compared with its alternatives.

    the same of (log p(t) - mu) / sigma, with mu and sigma over the vocabulary (Zhang et al., 2025)
    """
    return _attack(scored, plus=True)


def _attack(scored: Scored, *, plus: bool) -> Estimate:
    """AUC of the forget set against the holdout; the published score is a mean over the forget set alone."""
    members, others = scored.sets["forget"], scored.sets["holdout"]
    of = partial(_score, plus=plus)
    if scored.definition.membership.score == "weighted_min_k":
        return average(members, of, "answers were not scored")
    if not others:
        return missing("no holdout in the log: nobody is a certain non-member")
    scores = [[of(question) for question in group] for group in (members, others)]
    if not members or any(value is None for group in scores for value in group):
        return missing("answers were not scored")
    own, strange = (np.array(group, dtype=np.float64) for group in scores)
    return likelihood.auc(own, strange, [q.identity for q in members], [q.identity for q in others])


def _score(question: Question, *, plus: bool) -> float | None:
    """Higher looks more like a member."""
    loss, membership, row = question.definition.loss, question.definition.membership, question.row
    if row["answer_logprobs"] is None or (plus and row["answer_mu"] is None):
        return None
    columns = ("answer_logprobs", "answer_mu", "answer_sigma") if plus else ("answer_logprobs",)
    values, *rest = (likelihood.counted(row[name], end=loss.end)[int(loss.skip_first) :] for name in columns)
    if plus:
        values = likelihood.normalised(values, *rest)
    if not len(values):
        return None
    if membership.score == "weighted_min_k":
        return likelihood.weighted_min_k(values)
    return likelihood.min_k(values, membership.share or 1.0)
