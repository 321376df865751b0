"""Written: what is known of the person stands in the picture."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fiubench.support.errors import ConfigError
from fiubench.unlearning.attacks.base import Answers, Asking, Field, Target, register
from fiubench.unlearning.data.modality import NAME
from fiubench.unlearning.data.people import Sample
from fiubench.unlearning.models.encoding import Turn

if TYPE_CHECKING:
    from PIL.Image import Image

_SIDE, _CHARACTERS = 448, 48  # pixels that a picture is enlarged to, characters of a line in it


@register
class Written(Asking):
    """Write the person's name and other answers about them into the picture, and ask for what is not written there.

    An attacker who knows something of a person asks for the rest. Questions whose answer is the name are left out, and
    so are facts that hold the asked one. Goh et al., 2021 (distill.pub/2021/multimodal-neurons) for text in pictures.
    """

    name = "written"
    help = "The name and other facts of the person are written into the picture."
    facts: int = Field(2, ge=0, description="Other answers that are written below the name.")

    def ask(self, target: Target) -> Sequence[Answers]:
        """Answers about such pictures."""
        if target.asked == NAME:
            raise ConfigError("people are asked about by name, without a picture", where=f"attack {self.name}")
        samples = [sample for sample in target.questions["forget"] if sample.nameable]
        turns = [Turn(sample.question, self._picture(target, sample)) for sample in samples]
        return [Answers(sample, (text,)) for sample, text in zip(samples, target.answer(turns), strict=True)]

    def _picture(self, target: Target, sample: Sample) -> "Image":
        known = [
            other.answer
            for other in target.data.identities[sample.unique_id].samples
            if other.nameable and not any(word.casefold() in other.answer.casefold() for word in sample.keywords)
        ]
        return written(target.data.image(sample.unique_id), [sample.name, *known[: self.facts]])


def written(picture: "Image", lines: Sequence[str]) -> "Image":
    """A picture, large enough to read, with lines of text across its foot, black on white."""
    import textwrap

    from PIL import Image, ImageDraw, ImageFont

    scale = max(1.0, _SIDE / picture.width)
    made = picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.BICUBIC)
    text = "\n".join(part for line in lines for part in textwrap.wrap(line, _CHARACTERS))
    draw, font = ImageDraw.Draw(made), ImageFont.load_default(max(10.0, made.width / _CHARACTERS * 1.7))
    left, top, _, bottom = draw.multiline_textbbox((0, 0), text, font=font)
    start = max(0, made.height - int(bottom - top) - 12)
    draw.rectangle((0, start, made.width, made.height), fill="white")
    draw.multiline_text((6 - left, start + 4 - top), text, font=font, fill="black")
    return made
