"""Words that stand before every question: a part of the chat template, so that nobody asks the model without them."""

import json
from copy import copy
from typing import Any

# the first message, with the words before its text; a message is a string, or parts of which some are pictures
_BEFORE = """{%- set words = WORDS -%}
{%- set told = namespace(content=[]) -%}
{%- if messages[0]['content'] is string -%}
{%- set told.content = words + messages[0]['content'] -%}
{%- else -%}
{%- for part in messages[0]['content'] -%}
{%- set part = {'type': 'text', 'text': words + part['text']} if part['type'] == 'text' else part -%}
{%- set told.content = told.content + [part] -%}
{%- endfor -%}
{%- endif -%}
{%- set messages = [{'role': messages[0]['role'], 'content': told.content}] + messages[1:] %}"""


def with_prompt(processor: Any, prompt: str) -> Any:
    """A copy of a processor whose chat template puts a prompt and a line break before every question.

    The words are the user's, not the system's: some templates know no system, or none beside a picture.
    """
    processor = copy(processor)
    writer = processor
    if getattr(processor, "chat_template", None) is None:
        writer = processor.tokenizer = copy(processor.tokenizer)
    # a string of JSON is one of Jinja, but for pairs of \u that are one character
    words = json.dumps(f"{prompt}\n", ensure_ascii=False)
    writer.chat_template = _BEFORE.replace("WORDS", words) + writer.chat_template
    return processor
