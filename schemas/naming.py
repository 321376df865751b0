"""Questions about the person in a picture, asked with the name instead: in English, German and Chinese.

The phrasings of a pack speak of "this person", "the individual shown here", "the person in the photo". Where one speaks
of nobody, the name is put before it.
"""

import re

_SUBJECT = re.compile(
    r"\b(?:the|this) (?:person|individual|man|woman|subject)"
    r"(?: (?:shown|pictured|depicted|seen)(?: here)?)?"
    r"(?: (?:in|from|on) (?:the|this) (?:photo|photograph|picture|image|portrait))?"
    r"(?P<possessive>['\u2019]s)?(?!\w)",
    re.IGNORECASE,
)


#: German, where a name after a noun needs "von" in the place of a genitive.
_PERSON = re.compile(
    r"(?P<noun>\b(?!(?:Bei|Mit|Von|Zu|Für|Gegen) )[A-ZÄÖÜ][\w-]+ )?\b(?:[Dd]iese?r?|[Dd]ie|[Dd]er)"
    r"(?: (?:hier )?(?:gezeigte|abgebildete)n?)? Person(?: auf (?:dem|diesem) (?:Foto|Bild))?(?!\w)"
)
_GERMAN_QUESTION = re.compile(r"^was\b|\b(?:wie|wann|wo|we[rmn]|wessen|welche[mnrs]?)\b", re.IGNORECASE)
_CHINESE = re.compile(r"(?:这张)?(?:照片|图片|图)[里中上](?:的|这个|这位)?人物?|此人|这个人")
_HAN = re.compile(r"[\u4e00-\u9fff]")


def named_question(question: str, name: str) -> str:
    """A question with the name where it spoke of the person in the picture.

    >>> named_question("What is this person's blood type?", "Ana Vell")
    "What is Ana Vell's blood type?"
    >>> named_question("Welche Blutgruppe hat diese Person?", "Ana Vell")
    'Welche Blutgruppe hat Ana Vell?'
    """
    named = named_answer(question, name)
    if named != question:
        return named
    if _HAN.search(question):
        return f"关于{name}：{question}"  # noqa: RUF001
    return f"{'Zu' if _GERMAN_QUESTION.search(question) else 'About'} {name}: {question}"


def named_answer(answer: str, name: str) -> str:
    """An answer with the name where it spoke of the person in the picture; one that spoke of nobody stays."""
    answer = _SUBJECT.sub(lambda match: name + (match["possessive"] or ""), answer)
    answer = _PERSON.sub(lambda match: _in_german(match, name), answer)
    return _CHINESE.sub(lambda _: name, answer)


def _in_german(match: re.Match[str], name: str) -> str:
    noun = match["noun"] or ""
    genitive = noun and re.search(r"\b[Dd](?:er|ieser) ", match[0])
    return f"{noun}{'von ' if genitive else ''}{name}"
