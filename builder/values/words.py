"""Values that are words: free text, one of a few, names of people."""

import re
from typing import Any

from fiubench.builder.values.base import Drawing, ValueType, register
from fiubench.builder.values.english import words_of
from fiubench.support.draws import integers
from fiubench.support.errors import PackError

_PART = re.compile(r"\{([a-z][a-z0-9_]*)\}")


class Words(ValueType):
    """What all of them share: a generator that fills a template from lists."""

    worded = True
    generator = "words"
    generator_options = {
        "type": "object",
        "required": ["template"],
        "properties": {"template": {"type": "string", "minLength": 1}},
        "additionalProperties": {
            "type": "array",
            "minItems": 2,
            "uniqueItems": True,
            "items": {"type": "string", "minLength": 1},
        },
    }

    def check_options(self, options: Any, where: str) -> None:
        template, lists = options["template"], [key for key in options if key != "template"]
        named = _PART.findall(template)
        for name in named:
            if name not in lists:
                message, hint = f"the template's {{{name}}} has no list", f"Add `{name}: [..]` beside `template`."
                raise PackError(f"generate.words: {message}", where=where, hint=hint)
        for name in lists:
            if name not in named:
                message, hint = f"the template has no {{{name}}}", "Use the list, or leave it out."
                raise PackError(f"generate.words: {message}", where=where, hint=hint)
        for text in (_PART.sub("", template), *(word for name in lists for word in options[name])):
            if "{" in text or "}" in text:
                raise PackError(
                    f"generate.words: a brace that is no placeholder in {text!r}",
                    where=where,
                    hint="Write {part} in the template, where `part` is one of the lists beside it.",
                )

    def generate(self, drawing: Drawing) -> list[Any]:
        options, index = drawing.options, drawing.index
        parts = _PART.findall(options["template"])
        picks = {
            part: integers(drawing.seed, f"{drawing.purpose}.{part}", index, len(options[part])).tolist()
            for part in parts
        }
        made = []
        for i in range(len(index)):
            text = options["template"]
            for part in parts:
                text = text.replace(f"{{{part}}}", options[part][picks[part][i]])
            made.append(text)
        return made


@register
class Text(Words):
    """Free text."""

    name = "text"
    help = "names or short phrases"


@register
class Name(Words):
    """Names of people."""

    name = "name"
    help = "names of people"

    def word_forms(self, value: Any) -> list[list[str]]:
        words = words_of(value)
        return [words, [words[-1], *words[:-1]]] if len(words) >= 2 else [words]  # "Smith, Jane"

    def parts(self, value: Any) -> dict[str, str]:
        return {"given name": value.split(" ")[0], "family name": value.split(" ")[-1]}


@register
class Enum(Words):
    """One of a few."""

    name = "enum"
    help = "short words or phrases"
