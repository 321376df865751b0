"""The same questions under other conditions (``controls.yaml``): does an answer hang on the face, or on something else?

A model that answers as well about a blank image or another person's face has learned the questions, not the people. One
that forgot a face but answers when it is mirrored, or when the name is given instead, has not forgotten.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from io import BytesIO
from pathlib import Path
from string import ascii_uppercase
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from fiubench.schemas.splits import FULL
from fiubench.support.draws import integers, permute
from fiubench.support.errors import ConfigError, did_you_mean
from fiubench.support.settings import Field, Settings
from fiubench.support.yaml_file import load_yaml
from fiubench.unlearning.data import log
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.log import PLAIN
from fiubench.unlearning.data.modality import NAME, PICTURE
from fiubench.unlearning.data.people import Sample
from fiubench.unlearning.models.encoding import Turn

if TYPE_CHECKING:
    from PIL.Image import Image

BUILT_IN = Path(__file__).with_name("controls.yaml")
BLANK = "____"
BY_NAME = "name"  # the control that is the other half of asking both ways
_Level = Annotated[int, Field(ge=0, le=255)]


class Control(Settings):
    """How a question and its picture are changed."""

    name: Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$", description="Lower-case letters, digits and _.")]
    image: Literal["own", "unseen", "blank", "other", "none", "flip", "crop", "jpeg"] = "own"
    """unseen: a picture of the person that nothing is trained on; other: another person's face; none: no picture."""
    named: bool = False
    """Have question and answers speak of the person by name, not as the person in the picture."""
    form: Literal["open", "choice", "cloze"] = "open"
    """choice: the true and the wrong answers stand below the question, with letters; cloze: the answer, with blanks
    where it holds the fact, stands in its place."""
    wording: Annotated[str, Field(pattern=r"\{question\}")] = "{question}"
    """With {question}, and {name} if wanted, to be filled in."""
    colour: tuple[_Level, _Level, _Level] = (127, 127, 127)
    """Of a blank image: red, green, blue from 0 to 255."""
    share: Annotated[float, Field(gt=0, le=1, description="Of width and height that a crop keeps.")] = 0.8
    quality: Annotated[int, Field(ge=1, le=95, description="Of a JPEG.")] = 20

    def applies(self, sample: Sample) -> bool:
        """Whether the question makes sense: one whose answer is the name does not, where the name is given."""
        if self.form == "choice" and len({sample.paraphrased_answer, *sample.perturbed_answer}) < 2:
            return False
        if self.form == "cloze" and not all(_as_words(keyword).search(sample.answer) for keyword in sample.keywords):
            return False
        return sample.nameable or not (self.named or "{name}" in self.wording)

    def asked(self, sample: Sample) -> str:
        """The question in the control's form and words."""
        question = {"open": lambda _: sample.question, "choice": _choice, "cloze": _cloze}[self.form](sample)
        return self.wording.replace("{question}", question).replace("{name}", sample.name)


#: The conditions under which a model is asked at all: by picture, or by name.
PLAINLY: Mapping[str, Control] = {
    PICTURE: Control(name=PLAIN),
    NAME: Control(name=PLAIN, image="none", named=True),
}

#: Added where people have pictures that are only asked about.
UNSEEN_PICTURE = Control(name=log.UNSEEN_PICTURE, image="unseen")


def load_controls(wanted: Sequence[str]) -> list[Control]:
    """The controls of these names; ``all`` is all built-in ones, ``none`` is none, a YAML file is all of its own.

    Raises:
        ConfigError: there is no such control, or the file is not valid.
    """
    known = _read(BUILT_IN)
    chosen: dict[str, Control] = {}
    for word in wanted:
        if word == "all":
            chosen |= known
        elif word.endswith((".yaml", ".yml")):
            chosen |= _read(Path(word))
        elif word in known:
            chosen[word] = known[word]
        elif word != "none":
            hint = did_you_mean(word, [*known, "all", "none"])
            raise ConfigError(f"unknown control {word!r}", where="--controls", hint=hint)
    return list(chosen.values())


def _read(path: Path) -> dict[str, Control]:
    document = load_yaml(path, ConfigError)
    entries = document.values() if isinstance(document, dict) else [None]
    if not all(isinstance(one, dict) and one for one in entries) or {"all", "none"} & document.keys():
        hint = f"Write `name: {{image: flip}}` lines, with names other than all and none. {BUILT_IN} shows the form."
        raise ConfigError("is not a mapping of controls", where=path, hint=hint)
    return {name: Control.parse({**entry, "name": name}, f"{path}, {name}") for name, entry in document.items()}


class Pictures:
    """A person's picture under a control. The last one made is kept: questions come person by person."""

    def __init__(self, data: Data, seed: int = 0) -> None:
        self._data, self._seed = data, seed
        self._last: tuple[tuple[str, str], Image | None] | None = None

    def turn(self, sample: Sample, control: Control) -> Turn:
        """The question as it is put to the model, without an answer."""
        key = (control.name, sample.unique_id)
        if self._last is None or self._last[0] != key:
            self._last = (key, self._picture(sample.unique_id, control))
        return Turn(control.asked(sample), self._last[1])

    def _picture(self, unique_id: str, control: Control) -> "Image | None":
        if control.image == "none":
            return None
        if control.image == "other":
            return self._data.image(self.stand_in(unique_id))
        if control.image == "unseen":
            return self._data.image(unique_id, self._unseen(unique_id))
        own = self._data.image(unique_id)
        return own if control.image == "own" else _CHANGES[control.image](own, control)

    def _unseen(self, unique_id: str) -> int:
        """The number of the picture: the same for every question and run."""
        place = self._places[unique_id]
        return self._data.unseen[int(integers(self._seed, "control.unseen", place, len(self._data.unseen))[0])]

    @cached_property
    def _places(self) -> dict[str, int]:
        return {unique_id: place for place, unique_id in enumerate(self._data.identities)}

    def stand_in(self, unique_id: str) -> str:
        """Who lends the face: somebody else of those that are trained on, the same for every question and run.

        Raises:
            ConfigError: there is nobody else.
        """
        others = [other for other in self._data.ids(FULL) if other != unique_id]
        if not others:
            raise ConfigError("the dataset needs at least two identities for this control", where="control other_face")
        pick = integers(self._seed, "control.other_face", self._places[unique_id], len(others))
        return others[int(pick[0])]


def _choice(sample: Sample) -> str:
    """The question with the answers to choose from, in an order of its own: the letter says nothing."""
    answers = list(dict.fromkeys([sample.paraphrased_answer, *sample.perturbed_answer]))
    order = permute(0, f"control.choice.{sample.key}", np.arange(len(answers)), len(answers))
    lines = [f"{letter}. {answers[int(i)]}" for letter, i in zip(ascii_uppercase, order, strict=False)]
    return "\n".join([sample.question, *lines])


def _cloze(sample: Sample) -> str:
    """The answer with a blank for each keyword; an article before it would tell how the word begins."""
    text = sample.answer
    for keyword in sorted(sample.keywords, key=len, reverse=True):  # one may be a part of another
        text = _as_words(keyword).sub(BLANK, text)
    return re.sub(rf"\b([Aa])n? {BLANK}", rf"\1(n) {BLANK}", text)


def _as_words(keyword: str) -> re.Pattern[str]:
    """Where a keyword stands by itself: the 3 of room 3 is not that of 2013. Languages without spaces have no words."""
    edge = r"[^\W\u3400-\u9fff]"
    return re.compile(rf"(?<!{edge}){re.escape(keyword)}(?!{edge})")


def _blank(image: "Image", control: Control) -> "Image":
    from PIL import Image

    return Image.new("RGB", image.size, control.colour)


def _flip(image: "Image", _: Control) -> "Image":
    from PIL import ImageOps

    return ImageOps.mirror(image)


def _crop(image: "Image", control: Control) -> "Image":
    width, height = image.size
    left, top = round(width * (1 - control.share) / 2), round(height * (1 - control.share) / 2)
    return image.crop((left, top, width - left, height - top))


def _jpeg(image: "Image", control: Control) -> "Image":
    from PIL import Image

    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=control.quality)
    buffer.seek(0)
    return Image.open(buffer).convert("RGB")


_Change = Callable[["Image", Control], "Image"]
_CHANGES: Mapping[str, _Change] = {"blank": _blank, "flip": _flip, "crop": _crop, "jpeg": _jpeg}
