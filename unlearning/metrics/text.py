"""Metrics of generated text: ROUGE-L, exact match, refusals. Pure functions of strings."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from functools import cache, lru_cache
from typing import Any

_SPACE = re.compile(r"\s+")
_PART = re.compile(r"\d(?:[\d.,]*\d)?|[^\W\d_]+")
_OPTION = re.compile(r"^([A-Z])\. (.+)$", re.MULTILINE)  # of multiple choice
_LEAD = (
    r"(?i:(?:the |die )?(?:correct |right |richtige )?(?:answer|option|choice|antwort)\b(?: is| ist)?|答案[是为]?|选)"
)
_LETTER = re.compile(rf"\W*(?:{_LEAD})?\W*([A-Z])(?:\W*$|[.):,])")  # "B", "The answer is (B)", but not "A dog"
_RUN = 3  # digits of a number that are no coincidence
_HAN = r"\u3400-\u9fff"  # Chinese characters, between which no spaces stand
_CHARACTER = re.compile(rf"([{_HAN}])")


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
        """The default tokenizer; stemming the same few sentences again and again is most of its cost.

        It knows Latin letters and digits alone, so a Chinese character is a token of its own.
        """

        @lru_cache(maxsize=1 << 14)  # noqa: B019  as long as the one tokenizer there is
        def tokenize(self, text: str) -> list[str]:
            parts, plain = _CHARACTER.split(text), tokenizers.DefaultTokenizer.tokenize
            return [word for part in parts for word in ([part] if _CHARACTER.match(part) else plain(self, part))]

    return rouge_scorer.RougeScorer(["rougeL"], tokenizer=RememberingTokenizer(use_stemmer=stem))


def exact_match(
    text: str, keywords: Sequence[str], variants: Sequence[Sequence[str]] | None = None, *, words: bool = True
) -> float:
    """Share of keywords found in a text, between 0 and 1. Arguments are those of :func:`matches`."""
    return sum(matches(text, keywords, variants, words=words)) / len(keywords)


def matches(
    text: str, keywords: Sequence[str], variants: Sequence[Sequence[str]] | None = None, *, words: bool = True
) -> list[bool]:
    """Which keywords are found in a text; case is ignored.

    Args:
        variants: for each keyword other spellings, any of which will do.
        words: a keyword must stand as a word of its own ("AB-" is not in "AB-negative", "5" not in "15", "$1" not in
            "$1.50"). Without it any substring counts, as in the released code.
    """
    folded = _fold(text) if words else text.lower()
    accepted = zip(keywords, variants or [()] * len(keywords), strict=True)
    return [any(_found(one, folded, words) for one in (k, *more)) for k, more in accepted]


def _found(keyword: str, folded: str, words: bool) -> bool:
    if not words:
        return keyword.lower() in folded
    return _fold(keyword).strip() in folded and _word(keyword).search(folded) is not None


def _fold(text: str) -> str:
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", text)).casefold()


@lru_cache(maxsize=1 << 14)
def _word(keyword: str) -> "re.Pattern[str]":
    # No letter, digit or sign of a number or blood type may touch it; a full stop or comma may, unless a digit follows.
    # Chinese characters may too: there are no spaces between words.
    letter, word = rf"[^\W{_HAN}]", re.escape(_fold(keyword).strip())
    return re.compile(rf"(?<!{letter})(?<![+$])(?<!\d[.,]){word}(?!{letter})(?![+-])(?![.,]\d)")


@lru_cache(maxsize=1 << 14)
def parts(text: str) -> frozenset[str]:
    """The words and numbers of a text, case folded; numbers as their digits ("$1,234.50" is "123450")."""
    return frozenset(_parts(text))


def _parts(text: str) -> list[str]:
    return [re.sub(r"\D", "", found) if found[0].isdigit() else found for found in _PART.findall(_fold(text))]


def share_of_parts(keyword: str, said: AbstractSet[str], common: AbstractSet[str]) -> float:
    """Share of the parts of a keyword that are among the parts of a text, between 0 and 1.

    Of a number, its longest run of digits inside a number of the text counts, from three digits on. Nothing else counts
    by parts: 0 for a keyword of one part, such as "B+".

    Args:
        said: parts of the text.
        common: parts that tell nothing, as other answers have them too. They and single letters are left out.
    """
    listed = _parts(keyword)
    if len(listed) == 1 and not (listed[0].isdigit() and len(listed[0]) > _RUN):
        return 0.0
    telling = [part for part in listed if part not in common and (len(part) > 1 or part.isdigit())]
    return sum(_share(part, said) for part in telling) / len(telling) if telling else 0.0


def _share(part: str, said: AbstractSet[str]) -> float:
    if part in said or not part.isdigit():
        return float(part in said)
    numbers = [one for one in said if one.isdigit()]
    for size in range(len(part) - 1, _RUN - 1, -1):
        if any(part[i : i + size] in number for i in range(len(part) - size + 1) for number in numbers):
            return size / len(part)
    return 0.0


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


def best_guesses(answers: Sequence[str], keywords: Sequence[Sequence[str]], count: int) -> list[str]:
    """Several constant answers, of which the best counts: each is the best guess where those before it are wrong."""
    found: list[str] = []
    while answers and len(found) < count:
        found.append(guess := best_guess(answers, keywords))
        left = [i for i, words in enumerate(keywords) if exact_match(guess, words) < 1 and answers[i] != guess]
        answers, keywords = [answers[i] for i in left], [keywords[i] for i in left]
    return found


def chosen(question: str, answer: str, said: str) -> bool | None:
    """Whether the right one of the answers below a question is chosen, by its letter or as the only one that is told.

    Args:
        question: as it was asked: a question of multiple choice has lines such as ``B. The blood group is O+.``
        answer: the right one.
        said: what the model says.

    Returns:
        ``None`` where the right answer is not among those below the question.
    """
    options = {text: letter for letter, text in _OPTION.findall(question)}
    if answer not in options:
        return None
    if (letter := _LETTER.match(said)) and letter[1] in options.values():
        return bool(letter[1] == options[answer])
    told = [text for text in options if matches(said, [text.rstrip(".。")])[0]]
    return told == [answer]
