"""Grammar, by a LanguageTool server of the user's choice: one sentence of every distinct wording."""

from collections.abc import Iterator
from contextlib import contextmanager

from fiubench.builder.audit.people import Person
from fiubench.builder.audit.report import Count, Measure
from fiubench.builder.audit.wording import template
from fiubench.support.errors import ConfigError

_MOST = 2_000  # sentences that are sent
_HINT = "Start a LanguageTool server and give its address, for example http://localhost:8081."
_SPELLING = "TYPOS"  # names of people and medicines; the audit's own rule on spelling knows what is a value


class GrammarCheck:
    """Collects one sentence of every wording, and has them checked at the end.

    Args:
        address: of the server, for example ``http://localhost:8081``; it is asked at once, so that a wrong address is
            told before the work.

    Raises:
        ConfigError: the client is not installed, or the server does not answer.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.sentences: dict[str, tuple[str, str]] = {}
        if not address.startswith(("http://", "https://")):
            raise ConfigError(f"{address!r} is not the address of a server", where="--grammar", hint=_HINT)
        try:
            import language_tool_python as client  # noqa: PLC0415
        except ImportError as error:
            hint = "pip install 'fiubench[grammar]'"
            raise ConfigError("the grammar checker's client is not installed", where="--grammar", hint=hint) from error
        with self._told():
            self.tool = client.LanguageTool("en-US", remote_server=address)

    def add(self, person: Person) -> None:
        """Collect what is said of a person."""
        for pair in person.pairs:
            answers = (pair.answer,) if pair.other_answer is None else (pair.answer, pair.other_answer)
            for sentence in (pair.question, *pair.other_questions, *answers):
                if len(self.sentences) < _MOST:
                    where = f"{person.where}, {pair.attribute}"
                    self.sentences.setdefault(template(sentence, pair.text), (where, sentence))

    def measure(self) -> Measure:
        """How many of the sentences the checker finds fault with.

        Raises:
            ConfigError: the server does not answer any more.
        """
        count = Count("grammar", of=len(self.sentences))
        with self._told():
            for where, sentence in self.sentences.values():
                found = [match for match in self.tool.check(sentence) if match.category != _SPELLING]
                if found:
                    count.add(where, f"{sentence} ({found[0].message})")
        return count.measure(note=f"the first {_MOST:,} wordings" if len(self.sentences) == _MOST else "")

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # the client raises whatever its HTTP library does
            what = f"{self.address} does not answer as LanguageTool ({type(error).__name__})"
            raise ConfigError(what, where="--grammar", hint=_HINT) from error
