"""Settings of models: where adapters go, what a processor lacks, and the measures of the tiny model."""

from pathlib import Path
from typing import Literal

from fiubench.support.errors import ConfigError
from fiubench.support.settings import Field, Settings


class Lora(Settings):
    """Low-rank adapters (Hu et al., 2021, arXiv 2106.09685), and which parts of the model learn."""

    rank: int = Field(128, ge=1, description="Rank of the adapters.")
    alpha: int = Field(256, ge=1, description="Scale of the adapters: the update is scaled by alpha / rank.")
    dropout: float = Field(0.05, ge=0, lt=1, description="Dropout in front of the adapters.")
    language: bool = Field(True, description="Adapt the linear layers of the language model.")
    projector: bool = Field(True, description="Train the module between vision and language, whole.")
    vision: bool = Field(False, description="Adapt the linear layers of the vision tower.")


class Processing(Settings):
    """What a model's processor doesn't say of itself; what is left out is as its files, or its model's, have it."""

    chat_template: str | None = Field(None, description="A Jinja file: how a dialogue is written for the model.")
    patch_size: int | None = Field(None, ge=1, description="Side of a patch of the vision tower, in pixels.")
    num_additional_image_tokens: int | None = Field(
        None, ge=0, description="Tokens of the vision tower besides its patches: 1 with CLIP's class token."
    )
    vision_feature_select_strategy: Literal["default", "full"] | None = Field(
        None, description="default drops the first token of the vision tower, full keeps it."
    )

    def template(self) -> str | None:
        """The text of the chat template.

        Raises:
            ConfigError: the file can't be read.
        """
        if self.chat_template is None:
            return None
        try:
            return Path(self.chat_template).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"can't be read: {error}", where=self.chat_template) from error


class Tower(Settings):
    """Measures of a vision tower with random weights."""

    image: int = Field(32, ge=1, description="Side of a picture, in pixels.")
    patch: int = Field(16, ge=1, description="Side of a patch, in pixels; a picture is (image / patch)^2 tokens.")
    vision_hidden: int = Field(48, ge=1, description="Width of the vision tower.")
    vision_layers: int = Field(1, ge=1, description="Layers of the vision tower.")
    heads: int = Field(
        4, ge=1, description="Attention heads of the vision tower, and of a tiny model's language model."
    )


class Size(Tower):
    """Measures of a tiny model."""

    vocabulary: int = Field(1024, ge=300, description="Tokens that the tokenizer knows.")
    hidden: int = Field(128, ge=1, description="Width of the language model.")
    layers: int = Field(2, ge=1, description="Layers of the language model.")
    # the usual 0.02 is meant for models a hundred times as wide, and makes these learn half as fast
    spread: float = Field(0.06, gt=0, description="Standard deviation of the language model's first weights.")
    context: int = Field(256, ge=1, description="Longest sequence, in tokens.")
