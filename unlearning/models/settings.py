"""Settings of models: where adapters go, and the measures of the tiny model."""

from typing import Annotated

from fiubench.support.settings import Field, Settings

_Count = Annotated[int, Field(ge=1)]


class Lora(Settings):
    """Low-rank adapters (Hu et al., 2021, arXiv 2106.09685), and which parts of the model learn."""

    rank: Annotated[int, Field(ge=1, description="Rank of the adapters.")] = 128
    alpha: Annotated[int, Field(ge=1, description="Scale of the adapters: the update is scaled by alpha / rank.")] = 256
    dropout: Annotated[float, Field(ge=0, lt=1, description="Dropout in front of the adapters.")] = 0.05
    language: Annotated[bool, Field(description="Adapt the linear layers of the language model.")] = True
    projector: Annotated[bool, Field(description="Train the module between vision and language, whole.")] = True
    vision: Annotated[bool, Field(description="Adapt the linear layers of the vision tower.")] = False


class Size(Settings):
    """Measures of a tiny model."""

    vocabulary: Annotated[int, Field(ge=300, description="Tokens that the tokenizer knows.")] = 1024
    image: Annotated[_Count, Field(description="Side of a picture, in pixels.")] = 32
    patch: Annotated[
        _Count, Field(description="Side of a patch, in pixels; a picture becomes (image / patch)^2 tokens.")
    ] = 16
    vision_hidden: Annotated[_Count, Field(description="Width of the vision tower.")] = 48
    vision_layers: Annotated[_Count, Field(description="Layers of the vision tower.")] = 1
    hidden: Annotated[_Count, Field(description="Width of the language model.")] = 128
    layers: Annotated[_Count, Field(description="Layers of the language model.")] = 2
    heads: Annotated[_Count, Field(description="Attention heads of both.")] = 4
    # the usual 0.02 is meant for models a hundred times as wide, and makes these learn half as fast
    spread: Annotated[float, Field(gt=0, description="Standard deviation of the language model's first weights.")] = (
        0.06
    )
    context: Annotated[_Count, Field(description="Longest sequence, in tokens.")] = 256
