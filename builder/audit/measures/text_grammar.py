"""Grammar, by a LanguageTool server of the user's choice: one sentence of every distinct wording."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from fiubench.builder.audit.people import Person
from fiubench.builder.audit.registry import Check, Count, Measure, Result, Survey, check
from fiubench.builder.audit.wording import template
from fiubench.builder.languages.base import ENGLISH
from fiubench.support.errors import ConfigError
from fiubench.support.extras import install

_MOST = 2_000  # sentences that are sent
_HINT = "Start a LanguageTool server and give its address, for example http://localhost:8081."
_SPELLING = "TYPOS"  # names of people and medicines; the audit's own measure of spelling knows what is a value


@check(
    Measure("grammar", "Sentences with grammar errors",
        "Distinct sentences that the grammar checker (--grammar) finds fault with.", "sentences", "text", warn_above=0,
        fail_above=20),
)  # fmt: skip
class Grammar(Check):
    """Collects one sentence of every wording, and has them checked at the end.

    The server is asked at once, so that a wrong address is reported before the work.

    Raises:
        ConfigError: the client is not installed, or the server does not answer.
    """

    def __init__(self, survey: Survey) -> None:
        super().__init__(survey)
        self.address = address = survey.grammar or ""
        self.sentences: dict[str, tuple[str, str]] = {}
        if not address.startswith(("http://", "https://")):
            raise ConfigError(f"{address!r} is not the address of a server", where="--grammar", hint=_HINT)
        try:
            import language_tool_python as client  # noqa: PLC0415
        except ImportError as error:
            what = "the grammar checker's client is not installed"
            raise ConfigError(what, where="--grammar", hint=install("grammar")) from error
        with self._readable():
            self.tool = client.LanguageTool("en-US", remote_server=address)

    @classmethod
    def start(cls, survey: Survey) -> "Grammar | None":
        """None without ``--grammar``."""
        return cls(survey) if survey.grammar is not None else None

    def add(self, person: Person, side: int) -> None:
        if not self.sentences and person.language.family != ENGLISH:
            with self._readable():
                self.tool.language = person.language.code
        for pair in person.pairs:
            answers = (pair.answer,) if pair.other_answer is None else (pair.answer, pair.other_answer)
            for sentence in (*pair.questions, *answers):
                if len(self.sentences) < _MOST:
                    where = f"{person.where}, {pair.attribute}"
                    self.sentences.setdefault(template(sentence, pair.text), (where, sentence))

    def results(self) -> Iterable[Result]:
        """How many of the sentences the checker finds fault with.

        Raises:
            ConfigError: the server does not answer any more.
        """
        count = Count("grammar", of=len(self.sentences))
        with self._readable():
            for where, sentence in self.sentences.values():
                found = [match for match in self.tool.check(sentence) if match.category != _SPELLING]
                if found:
                    count.add(where, f"{sentence} ({found[0].message})")
        yield count.result(note=f"the first {_MOST:,} wordings" if len(self.sentences) == _MOST else "")

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # the client raises whatever its HTTP library does
            what = f"{self.address} does not answer as LanguageTool ({type(error).__name__})"
            raise ConfigError(what, where="--grammar", hint=_HINT) from error
