"""The prompts (``prompts.yaml``) and the messages that are made of them."""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from string import Template
from typing import Any

from fiubench.builder.packs.model import Attribute
from fiubench.builder.values.base import VALUE_TYPES
from fiubench.support.canonical import digest_of
from fiubench.support.draws import draw, integers
from fiubench.support.errors import ConfigError
from fiubench.support.yaml_file import load_yaml


@cache
def load_document(name: str) -> Mapping[str, Any]:
    """A YAML file of this folder."""
    path = resources.files("fiubench.builder.phrasings").joinpath(name)
    with resources.as_file(path) as file:
        document: Mapping[str, Any] = load_yaml(file, ConfigError)
    return document


_PROMPTS = load_document("prompts.yaml")


def prompt_digest(*parts: str, schema: Mapping[str, Any]) -> str:
    """SHA-256 of the prompts that were used and the schema of their answers."""
    built_in = {name: entry.help for name, entry in VALUE_TYPES.items() if VALUE_TYPES.plugin(name) is None}
    used = {**{part: _PROMPTS[part] for part in (*parts, "voices")}, "kinds": built_in}
    return digest_of({"prompts": used, "schema": schema})


def drawn(seed: int, purpose: str, index: int) -> tuple[str, int]:
    """The voice of a call and the seed that the server gets: below 2**31, attempts included."""
    voices: list[str] = _PROMPTS["voices"]
    voice = voices[int(integers(seed, f"{purpose}.voice", index, len(voices))[0])]
    return voice, int(draw(seed, purpose, index)[0, 0]) >> 2


def messages(part: str, **values: object) -> list[dict[str, str]]:
    """System and user message of a prompt, with ``$name`` filled in."""
    prompt = _PROMPTS[part]
    user = Template(prompt["user"]).substitute({key: str(value) for key, value in values.items()})
    return [{"role": "system", "content": prompt["system"].strip()}, {"role": "user", "content": user.strip()}]


def about(attribute: Attribute) -> str:
    """What an attribute is, in words."""
    name = attribute.name.replace("_", " ")
    return f"{name} ({attribute.description.rstrip('.')})" if attribute.description else name
