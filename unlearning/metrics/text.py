"""Metrics of generated text: ROUGE-L, exact match, refusals. Pure functions of strings."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache
from typing import Any

_SPACE = re.compile(r"\s+")


def first_sentence(text: str, mark: str) -> str:
    """``text`` up to its first ``mark`` and with it; empty where there is none, as the released code has it."""
    return text[: text.find(mark) + 1]


@lru_cache(maxsize=1 << 16)
def rouge_l(target: str, prediction: str, measure: str = "recall", stem: bool = True) -> float:
    """ROUGE-L of a prediction against a target, between 0 and 1 (Lin, 2004; ``rouge_score``).

    Args:
        measure: ``recall``, ``precision`` or ``fmeasure``.
        stem: compare Porter stems.
    """
    return float(getattr(_scorer(stem).score(target, prediction)["rougeL"], measure))


@cache
def _scorer(stem: bool) -> Any:
    from rouge_score import rouge_scorer, tokenizers

    class RememberingTokenizer(tokenizers.DefaultTokenizer):  # type: ignore[misc]
        """The default tokenizer; stemming the same few sentences again and again is most of its cost."""

        tokenize = lru_cache(maxsize=1 << 14)(tokenizers.DefaultTokenizer.tokenize)

    return rouge_scorer.RougeScorer(["rougeL"], tokenizer=RememberingTokenizer(use_stemmer=stem))


def exact_match(
    text: str, keywords: Sequence[str], variants: Sequence[Sequence[str]] | None = None, *, words: bool = True
) -> float:
    """Share of keywords found in a text, between 0 and 1; case is ignored.

    Args:
        variants: for each keyword other spellings, any of which will do.
        words: a keyword must stand as a word of its own ("AB-" is not in "AB-negative", "5" not in "15", "$1" not in
            "$1.50"). Without it any substring counts, as in the released code.
    """
    folded = _fold(text) if words else text.lower()
    accepted = zip(keywords, variants or [()] * len(keywords), strict=True)
    return sum(any(_found(one, folded, words) for one in (k, *more)) for k, more in accepted) / len(keywords)


def _found(keyword: str, folded: str, words: bool) -> bool:
    if not words:
        return keyword.lower() in folded
    return _fold(keyword).strip() in folded and _word(keyword).search(folded) is not None


def _fold(text: str) -> str:
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", text)).casefold()


@lru_cache(maxsize=1 << 14)
def _word(keyword: str) -> "re.Pattern[str]":
    # No letter, digit or sign of a number or blood type may touch it; a full stop or comma may, unless a digit follows.
    return re.compile(rf"(?<![\w+$])(?<!\d[.,]){re.escape(_fold(keyword).strip())}(?![\w+-])(?![.,]\d)")


def refusal_check(refusals: Iterable[str]) -> Callable[[str], bool]:
    """A test whether a text is one of the refusals: a sentence of theirs, in any case and punctuation."""
    known = {_letters(refusal) for refusal in refusals}
    return lambda text: _letters(text) in known


def _letters(text: str) -> str:
    return " ".join(re.findall(r"\w+", _fold(text)))


def best_guess(answers: Sequence[str], keywords: Sequence[Sequence[str]]) -> str:
    """The one of ``answers`` that matches most when given to everyone: what a model can score without any memory.

    Ties go to the answer that stands first. ``answers[i]`` is right for ``keywords[i]``.
    """
    tally = Counter(map(tuple, keywords))
    return max(
        dict.fromkeys(answers), key=lambda answer: sum(n * exact_match(answer, words) for words, n in tally.items())
    )
