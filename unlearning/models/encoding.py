"""From questions, pictures and answers to the tensors of a model: the one place that knows the chat template.

Rows are prepared one by one by the model's own processor and then joined, so that a family needs no code here: what
the tokenizer gave runs along the tokens and is padded on the side that the purpose needs, what the image processor gave
is stacked.
"""

import inspect
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from fiubench.support.errors import ConfigError
from fiubench.unlearning.models.pictures import Kept, OncePerPicture, tensor_bytes

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

IGNORED = -100  # label of a token that is not scored
# A batch in which only some have pictures: a batch of those that do and one of the others, and where each row of both,
# one after the other, stood.
PARTS, ORDER = "parts", "order"
_TEXTS_KEPT = 64 << 20  # bytes of token ids
_TEMPLATE = (
    "Give one in the preset, `processing: {chat_template: FILE.jinja}`, put a chat_template.jinja beside the model, or "
    "take its instruction-tuned version."
)
_INCOMPLETE = "Its configuration may be incomplete: compare processor_config.json with that of a like model."


@dataclass(frozen=True)
class Turn:
    """A question about a picture (or about none), with an answer where one is trained on or scored."""

    question: str
    image: "Image | None" = None
    answer: str | None = None
    begun: str = ""  # the first words of an answer that is generated


class _Row(NamedTuple):
    """The tensors of one turn, batch dimension 1, by where they come from."""

    text: "dict[str, Tensor]"  # along the tokens, shape (1, tokens, ...)
    picture: "dict[str, Tensor]"


class Encoder:
    """Prepares batches for one model.

    For training and scoring: padded on the right, with ``labels`` that are -100 on prompt, picture and padding, and
    the answer's tokens elsewhere, its end-of-turn token included. For generation: prompts alone, padded on the left.

    A picture is prepared once, whatever is asked about it, and known again by being the same object, as
    :meth:`fiubench.unlearning.data.dataset.Data.image` gives it. Token ids are kept too, since an epoch comes back to
    the same ones. Both within bounds (:mod:`fiubench.unlearning.models.pictures`).

    Raises:
        ConfigError: the processor has no chat template, no tokenizer or no pictures.
    """

    def __init__(self, processor: Any) -> None:
        where = type(processor).__name__
        if getattr(processor, "image_processor", None) is None or getattr(processor, "tokenizer", None) is None:
            hint = "fiubench works with vision-language models (AutoModelForImageTextToText)."
            raise ConfigError("this model does not take pictures", where=where, hint=hint)
        self.processor = copy(processor)  # the caller's goes on without a memory, and is saved without one
        self.processor.image_processor = self._pictures = OncePerPicture(processor.image_processor)
        self.tokenizer = processor.tokenizer
        # PaliGemma's takes answers apart from questions: it attends to these in both directions
        self._takes_suffix = "suffix" in inspect.signature(type(processor).__call__).parameters
        if getattr(processor, "chat_template", None) is None and self.tokenizer.chat_template is None:
            raise ConfigError("the model's processor has no chat template", where=where, hint=_TEMPLATE)
        if getattr(processor, "patch_size", 0) is None:
            hint = "Give it in the preset: `processing: {patch_size: 14}`."
            raise ConfigError("neither processor nor model says the patch_size", where=where, hint=hint)
        pad, eos = self.tokenizer.pad_token_id, self.tokenizer.eos_token_id
        self.pad_id: int = eos if pad is None else pad
        self._texts: Kept[dict[str, Tensor]] = Kept(_TEXTS_KEPT)

    def __call__(self, turns: Sequence[Turn], *, for_generation: bool = False) -> dict[str, Any]:
        """Tensors for ``model(**batch)`` or, with ``for_generation``, ``model.generate(**batch)``.

        Where only some of the turns have pictures, the batch is in two :data:`PARTS`, which
        :func:`fiubench.unlearning.models.likelihood.score` puts together.

        Raises:
            ValueError: no turns, an answer is missing where one is to be scored, or only some have pictures where
                answers are generated.
        """
        if not turns:
            raise ValueError("a batch needs at least one turn")
        if not for_generation and any(turn.answer is None for turn in turns):
            raise ValueError("every turn needs an answer, unless for_generation")
        if len({turn.image is None for turn in turns}) > 1:
            if for_generation:
                raise ValueError("a batch has pictures for all of its turns or for none")
            return self._in_parts(turns)
        if for_generation:
            turns = [replace(turn, answer=None) for turn in turns]
        return self._join([self._row(turn) for turn in turns], left=for_generation)

    def _in_parts(self, turns: Sequence[Turn]) -> dict[str, Any]:
        import torch

        order = sorted(range(len(turns)), key=lambda i: turns[i].image is None)
        pictured = sum(turn.image is not None for turn in turns)
        parts = [self([turns[i] for i in chosen]) for chosen in (order[:pictured], order[pictured:])]
        return {PARTS: parts, ORDER: torch.tensor(order)}

    @cached_property
    def end_ids(self) -> list[int]:
        """Tokens that end an answer: give them to ``generate(eos_token_id=...)``."""
        end = self.tokenizer.convert_tokens_to_ids(self._end)
        return sorted({end, self.tokenizer.eos_token_id})

    def decode(self, ids: Any) -> list[str]:
        """Texts of generated token ids, shape (batch, length), without special tokens and outer spaces."""
        return [text.strip() for text in self.tokenizer.batch_decode(ids, skip_special_tokens=True)]

    @cached_property
    def _end(self) -> str:
        """What the template writes after an answer: a special token, or the tokenizer's end of sequence."""
        word = "Yes"
        whole = self._template([_user("?", False), _reply(word)])
        rest = self._ids(whole[whole.rindex(word) + len(word) :].lstrip())
        special = set(self.tokenizer.all_special_ids)
        special |= {i for i, token in self.tokenizer.added_tokens_decoder.items() if token.special}
        return str(
            self.tokenizer.convert_ids_to_tokens(rest[0]) if rest and rest[0] in special else self.tokenizer.eos_token
        )

    def _template(self, messages: list[dict[str, Any]], **options: Any) -> str:
        """A dialogue as the chat template writes it.

        Raises:
            ConfigError: it can't, or it leaves the picture out.
        """
        from jinja2 import TemplateError

        if not self._takes_lists:
            messages = [{**message, "content": self._as_text(message["content"])} for message in messages]
        try:
            text = self._written(messages, **options)
        except (TemplateError, TypeError, ValueError) as error:
            problem = f"its chat template can't write a question with an answer: {error}"
            raise ConfigError(problem, where=type(self.processor).__name__, hint=_TEMPLATE) from error
        token = getattr(self.processor, "image_token", None)
        if token is not None and token not in text and any(_has_picture(message) for message in messages):
            problem = f"its chat template writes no {token} for a picture"
            raise ConfigError(problem, where=type(self.processor).__name__, hint=_TEMPLATE)
        return text

    @cached_property
    def _takes_lists(self) -> bool:
        """Whether the template takes pictures and texts as parts; that of a language model takes one string."""
        from jinja2 import TemplateError

        try:
            return "'type'" not in self._written([_user("?", True)])
        except (TemplateError, TypeError):
            return False

    def _written(self, messages: list[dict[str, Any]], **options: Any) -> str:
        has_own = getattr(self.processor, "chat_template", None) is not None
        writer = self.processor if has_own else self.tokenizer
        return str(writer.apply_chat_template(messages, tokenize=False, **options))

    def _as_text(self, content: list[dict[str, Any]]) -> str:
        return "\n".join(self.processor.image_token if p["type"] == "image" else p["text"] for p in content)

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids

    def _text(self, turn: Turn) -> tuple[str, list[int]]:
        """The text of a turn up to the end of its answer, and the token ids of that answer."""
        asked = _user(turn.question, turn.image is not None)
        prompt = self._template([asked], add_generation_prompt=True)
        said = turn.begun if turn.answer is None else turn.answer.strip()
        if not said:
            return prompt, []
        if self._takes_suffix:
            if turn.answer is None:
                what = "this model takes an answer apart from its question, so none can be begun for it"
                raise ConfigError(what, where=type(self.processor).__name__)
            return prompt, self._ids(said + self.tokenizer.eos_token)
        whole = self._template([asked, _reply(said)])
        # between prompt and answer some templates have a space; those that drop a part of the prompt are not followed
        found = whole.find(said, len(prompt)) if whole.startswith(prompt) else -1
        text = (whole[:found] if found > 0 else prompt) + said
        if turn.answer is None:
            return text, []
        text += self._end
        head, ids = self._ids(prompt), self._ids(text)
        same = next((i for i, (a, b) in enumerate(zip(head, ids, strict=False)) if a != b), len(head))
        return text, ids[same:]

    def _row(self, turn: Turn) -> _Row:
        key = (turn.question, turn.answer, turn.begun, None if turn.image is None else turn.image.size)
        text, picture = self._texts.get(key), {} if turn.image is None else self._pictures.passed_on(turn.image)
        if text is None or picture is None:
            row = self._process(turn)
            names = self._pictures.names(turn.image) if turn.image is not None else ()
            text = {name: value for name, value in row.items() if name not in names}
            picture = {name: value for name, value in row.items() if name in names}
            self._texts.put(key, text, tensor_bytes(text.values()))
            if turn.image is not None:
                self._pictures.pass_on(turn.image, picture)
        return _Row(text, picture)

    def _process(self, turn: Turn) -> dict[str, "Tensor"]:
        import torch

        text, answer = self._text(turn)
        bos = self.tokenizer.bos_token
        options: dict[str, Any] = {"return_tensors": "pt"}
        if bos is not None and text.startswith(bos):
            options["add_special_tokens"] = False  # the template has written it
        if turn.image is not None:
            options["images"] = [[turn.image]]
        if turn.answer is not None and self._takes_suffix:
            options["suffix"] = [turn.answer.strip()]
        try:
            row = dict(self.processor(text=[text], **options))
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            about, hint = ("about a picture", _INCOMPLETE) if turn.image is not None else ("without a picture", "")
            problem = f"can't prepare a question {about}: {type(error).__name__}: {error}"
            raise ConfigError(problem, where=type(self.processor).__name__, hint=hint) from error
        row.pop("labels", None)
        if turn.answer is not None:
            ids = row["input_ids"]
            if ids[0, -len(answer) :].tolist() != answer:
                hint = "Its tokenizer splits the answer otherwise than alone; please report the model's name."
                what = "the processor changes the answer's tokens"
                raise ConfigError(what, where=type(self.processor).__name__, hint=hint)
            row["labels"] = torch.full_like(ids, IGNORED)
            row["labels"][0, -len(answer) :] = ids[0, -len(answer) :]
        return row

    def _join(self, rows: Sequence[_Row], *, left: bool) -> dict[str, "Tensor"]:
        """One batch: what runs along the tokens is padded on one side, pictures with zeros at the end."""
        import torch

        fill = {"input_ids": self.pad_id, "labels": IGNORED}
        batch = {}
        for name in (*rows[0].text, *rows[0].picture):
            along = name in rows[0].text
            parts = [(row.text if along else row.picture)[name] for row in rows]
            widest = [max(sizes) for sizes in zip(*(p.shape[1:] for p in parts), strict=True)]
            batch[name] = torch.cat([_pad(p, widest, fill.get(name, 0), left=left and along) for p in parts])
        return batch


def parts_of(batch: Mapping[str, Any]) -> "Sequence[Mapping[str, Any]]":
    """The parts of a batch, each of which a model can be called with: those with pictures, and those without."""
    parts: Sequence[Mapping[str, Any]] = batch.get(PARTS, [batch])
    return parts


def sequences(batch: Mapping[str, Any]) -> int:
    """How many sequences a batch holds."""
    return len(batch[ORDER] if ORDER in batch else batch["input_ids"])


def _user(question: str, with_picture: bool) -> dict[str, Any]:
    picture = [{"type": "image"}] if with_picture else []
    return {"role": "user", "content": [*picture, {"type": "text", "text": question}]}


def _has_picture(message: dict[str, Any]) -> bool:
    return (
        any(part["type"] == "image" for part in message["content"]) if isinstance(message["content"], list) else False
    )


def _reply(answer: str) -> dict[str, Any]:
    return {"role": "assistant", "content": [{"type": "text", "text": answer}]}


def _pad(value: "Tensor", widest: Sequence[int], fill: int, *, left: bool) -> "Tensor":
    """``value`` (1, ...) enlarged to ``widest`` in all dimensions but the first."""
    if list(value.shape[1:]) == list(widest):
        return value
    out = value.new_full((value.shape[0], *widest), fill)
    start = [widest[0] - value.shape[1] if left else 0, *(0 for _ in widest[1:])]
    out[(slice(None), *(slice(s, s + n) for s, n in zip(start, value.shape[1:], strict=True)))] = value
    return out
