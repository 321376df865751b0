"""Grammar, by a LanguageTool server of the user's choice: one sentence of every distinct wording."""

from builder.audit.reading import Person
from builder.audit.report import Count, Measure
from builder.audit.wording import template
from support.errors import ConfigError

_MOST = 2_000  # sentences that are sent
_SPELLING = "TYPOS"  # names of people and medicines; the audit's own rule on spelling knows what is a value


class GrammarCheck:
    """Collects one sentence of every wording, and has them checked at the end.

    Args:
        address: of the server, for example ``http://localhost:8081``.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.sentences: dict[str, tuple[str, str]] = {}

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
            ConfigError: the client is not installed, or the server does not answer.
        """
        try:
            import language_tool_python as client  # noqa: PLC0415
        except ImportError as error:
            hint = "pip install 'fiubench[grammar]'"
            raise ConfigError("the grammar checker's client is not installed", where="--grammar", hint=hint) from error
        count = Count("grammar", of=len(self.sentences))
        try:
            tool = client.LanguageTool("en-US", remote_server=self.address)
            for where, sentence in self.sentences.values():
                found = [match for match in tool.check(sentence) if match.category != _SPELLING]
                if found:
                    count.add(where, f"{sentence} ({found[0].message})")
        except Exception as error:  # the client raises whatever its HTTP library does
            hint = "Start a LanguageTool server and give its address, for example http://localhost:8081."
            raise ConfigError(
                f"{self.address} does not answer as LanguageTool: {error}", where="--grammar", hint=hint
            ) from error
        return count.measure(note=f"the first {_MOST:,} wordings" if len(self.sentences) == _MOST else "")
