"""What a language is to a dataset: how it ends sentences and writes values, and how text in it is told from others.

A language is a file of this folder, or a plug-in::

    @register
    class Dutch(Language):
        code, name = "nl", "Dutch"
        point, grouping = ",", "."
        marks = frozenset("de het een van en welke is deze".split())

Everything else has a default, which is that of English; :class:`Language` says what each part is for.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import cached_property, lru_cache
from typing import ClassVar, TypeVar

from fiubench.support.registry import Registry

ENGLISH = "en"
#: Han characters, which stand next to each other without a space and are words by themselves.
HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_WORDS = re.compile(rf"[{HAN}]|[^\W\d_{HAN}]+")
_ISO = re.compile(r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})")


class Language:
    """A language. Instances hold nothing: one of each is registered.

    Attributes:
        code: BCP 47 tag. What stands before its first hyphen says which languages go together in one dataset.
        name: in English.
        question_mark, full_stop: what ends a question, and an answer.
        endings: what else an answer may end in, as a full stop within quotes.
        spaced: words stand apart, and no space stands before a mark.
        point, grouping: of numbers, before the decimals and between thousands.
        dated: how a date is read, each with the groups ``year``, ``month`` (a number or a name) and ``day``.
        months: their names, in lower case -> number.
        articles: placeholder before a value -> gender of the value's noun -> the article: ``{ein value}``.
        pronouns: placeholder of captions -> the word for a man and for a woman: ``{er}``.
        gendered: words that reveal a person's gender; no phrasing may hold one.
        pronoun: those that no value holds, either.
        person: what to write instead.
        marks: common short words, by which its sentences are told from those of other languages.
        dictionary: name of the spelling checker's; empty: it has none, and spelling is checked by :meth:`strange`.
        common: how often its dictionary has a word that another may be meant for.
        capitals: sentences begin with a capital.
        small: short words that are written together with others by mistake; none where words are joined by rule.
        word, doubled: a word to look up, and a word that stands twice in a row by mistake, in a sentence in which a
            value is written as NUL.
        nouns: common nouns begin with a capital, so that a capital within a sentence does not mean a name.
        unfinished: the end of an answer that nothing follows.
    """

    code: ClassVar[str]
    name: ClassVar[str]
    question_mark: ClassVar[str] = "?"
    full_stop: ClassVar[str] = "."
    endings: ClassVar[tuple[str, ...]] = ()
    spaced: ClassVar[bool] = True
    point: ClassVar[str] = "."
    grouping: ClassVar[str] = ","
    dated: ClassVar[tuple[re.Pattern[str], ...]] = ()
    months: ClassVar[Mapping[str, int]] = {}
    articles: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    pronouns: ClassVar[Mapping[str, tuple[str, str]]] = {}
    gendered: ClassVar[re.Pattern[str]] = re.compile(r"(?!)")
    pronoun: ClassVar[re.Pattern[str]] = re.compile(r"(?!)")
    person: ClassVar[str] = "this person"
    marks: ClassVar[frozenset[str]] = frozenset()
    dictionary: ClassVar[str] = ""
    common: ClassVar[int] = 100
    capitals: ClassVar[bool] = True
    small: ClassVar[frozenset[str]] = frozenset()
    word: ClassVar[re.Pattern[str]] = re.compile(r"[^\W\d_]+(?![\w\x00])(?<![\x00])")
    doubled: ClassVar[re.Pattern[str]] = re.compile(r"\b([^\W\d_]+) \1\b")
    nouns: ClassVar[bool] = False
    unfinished: ClassVar[re.Pattern[str]] = re.compile(r"(?!)")

    def __repr__(self) -> str:
        return self.code

    @property
    def family(self) -> str:
        """What languages of one dataset share: ``en`` of ``en-GB``."""
        return self.code.partition("-")[0]

    # --- how values are written and read

    def date(self, iso: str) -> str:
        """A day as it reads in the middle of a sentence."""
        return iso

    def read_date(self, text: str) -> str | None:
        """The day that a text of nothing else writes, in ISO form; ``None`` where it is none."""
        for pattern in (*self.dated, _ISO):
            if match := pattern.fullmatch(text):
                month = self.months.get(match["month"].lower()) or int(match["month"])
                return _iso(int(match["year"]), month, int(match["day"]))
        return None

    def date_parts(self, iso: str) -> dict[str, str]:
        """The day and the year as they are written, which both give some of a date away."""
        return {"day": self.date(iso), "year": iso[:4]}

    def date_spellings(self, iso: str) -> Sequence[str]:
        """How else a day may be written."""
        return (iso,)

    def money(self, amount: str) -> str:
        """An amount of dollars, of which the number is written as :meth:`number` does."""
        return f"${amount}"

    def read_money(self, text: str) -> float | None:
        """The amount that a text of nothing else writes."""
        try:
            return float(self.as_english(text.strip(f"{self.money('')} ")).replace(",", ""))
        except ValueError:
            return None

    def money_spellings(self, amount: str) -> Sequence[str]:
        """How an amount may be written."""
        return (self.money(amount), f"{amount} dollars")

    def number(self, text: str) -> str:
        """A number as English writes it ("12,345.60") in this language."""
        return text.translate({ord(","): self.grouping, ord("."): self.point})

    def as_english(self, text: str) -> str:
        """A number of this language as English writes it."""
        return text.translate({ord(self.grouping): ",", ord(self.point): "."})

    def join(self, items: Sequence[str]) -> str:
        """Several things as they read in a sentence."""
        return ", ".join(items)

    def split(self, text: str) -> list[str]:
        """The things that :meth:`join` joined."""
        return text.split(", ")

    # --- what a text is like

    def revealing(self, text: str) -> Iterable[str]:
        """The pronouns in a text, which may hold values, that reveal a person's gender."""
        return dict.fromkeys(self.pronoun.findall(text))

    @cached_property
    def genders(self) -> Sequence[str]:
        """The genders of nouns that decide an article."""
        return list(dict.fromkeys(gender for forms in self.articles.values() for gender in forms))

    @cached_property
    def article_forms(self) -> frozenset[str]:
        """All articles that a placeholder can stand for."""
        return frozenset(form for forms in self.articles.values() for form in forms.values())

    def article_at_end(self, text: str) -> int:
        """The length of an article, with its space, at the end of a text; 0 where another word stands there."""
        *_, word = f" {text.removesuffix(' ')}".rsplit(" ", 1)
        return len(word) + 1 if text.endswith(" ") and word.lower() in self.article_forms else 0

    def article(self, wanted: str, noun: str, gender: str | None) -> str:
        """The article of a placeholder for a noun of this gender.

        Raises:
            KeyError: the gender is not known.
        """
        del noun
        return self.articles[wanted][gender or ""]

    def article_fits(self, article: str, noun: str, gender: str | None) -> bool:
        """Whether an article may stand before a noun."""
        del noun
        return gender is None or any(forms.get(gender) == article for forms in self.articles.values())

    @cached_property
    def placeholder(self) -> re.Pattern[str]:
        """A placeholder of a caption: an article, if there is one, and the name of a fact, or a pronoun."""
        articles = "|".join(map(re.escape, sorted(self.articles, key=len, reverse=True))) or "(?!)"
        pronouns = "".join(f"|{re.escape(word)}" for word in self.all_pronouns)
        return re.compile(rf"\{{(?:({articles}) )?([a-z][a-z0-9_]*{pronouns})\}}")

    @cached_property
    def all_pronouns(self) -> Mapping[str, tuple[str, str]]:
        """:attr:`pronouns`, with those that begin with a capital."""
        capital = {k[:1].upper() + k[1:]: (m[:1].upper() + m[1:], f[:1].upper() + f[1:])
                   for k, (m, f) in self.pronouns.items()}  # fmt: skip
        return {**self.pronouns, **capital}

    def share(self, words: Sequence[str]) -> int:
        """How many of the words of a text are known to be of this language."""
        return sum(word in self.marks for word in words)

    def strange(self, text: str) -> str | None:
        """What in a text can't be of this language, whatever other languages there are."""
        del text
        return None

    def foreign(self, text: str) -> str | None:
        """What in a text without values is of another language: a word, or the language that it seems to be in."""
        words = words_of(text)
        own = self.share(words)
        for other in LANGUAGES.values():
            if other.family != self.family and (count := other.share(words)) > own and (count > 1 or not own):
                return other.name
        found = self.strange(text)
        return repr(found) if found else None

    def spelled_otherwise(self, word: str, is_known: Callable[[str], bool]) -> bool:
        """Whether a word in lower case that the dictionary lacks is one of it in another right spelling."""
        del word, is_known
        return False

    def badly_marked(self, text: str) -> bool:
        """Whether a mark within a sentence is not as it should be."""
        return re.search(r"\s[.,;:?!](?:\s|$)", text) is not None

    def reading_grade(self, sentence: str) -> float | None:
        """School years needed to read a sentence; ``None`` where there is no measure of it."""
        del sentence
        return None


LANGUAGES: Registry[Language] = Registry("language", "languages", "fiubench.builder.languages")

C = TypeVar("C", bound=type[Language])


def register(entry: C) -> C:
    """Decorator that registers a language."""
    LANGUAGES.add(entry.code, entry())
    return entry


@lru_cache(maxsize=1 << 15)
def words_of(text: str) -> tuple[str, ...]:
    """The words of a text in lower case; of Chinese, its characters."""
    return tuple(_WORDS.findall(text.lower()))


def language_of(texts: Iterable[str]) -> Language:
    """The language that most of some texts are in, where nothing says which; English where nothing shows it."""
    shares = dict.fromkeys(LANGUAGES, 0)
    for text in texts:
        for code, language in LANGUAGES.items():
            shares[code] += language.share(words_of(text))
    return LANGUAGES[max(shares, key=lambda code: (shares[code], code == ENGLISH))]


def _iso(year: int, month: int, day: int) -> str | None:
    try:
        return date(year, month, day).isoformat()
    except ValueError:  # February 30
        return None
