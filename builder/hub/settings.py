"""Settings of what talks to the Hub."""

from typing import Annotated

from fiubench.support.settings import Field, Flag, Settings

_HUB = "Hub"


class HubSettings(Settings):
    """Which hub, and who asks it (see :func:`~fiubench.builder.hub.access.make_access`)."""

    endpoint: Annotated[str | None, Flag(_HUB, default="HF_ENDPOINT, else https://huggingface.co")] = Field(
        None, description="Address of the hub."
    )
    token_file: Annotated[str | None, Flag(_HUB, default="HF_TOKEN or the stored login, for huggingface.co alone")] = (
        Field(None, description="File that holds the token, or - for standard input.")
    )
    timeout: Annotated[float, Flag(_HUB)] = Field(
        60.0, ge=0.1, le=3600, description="Seconds that the hub may stay silent."
    )


class PublishSettings(HubSettings):
    """The options of `fiubench publish`."""

    message: Annotated[str, Flag("Release")] = Field("", description="A sentence for the changelog and the commit.")
    dry_run: Annotated[bool, Flag("Release", default="no")] = Field(
        False, description="Stage, prove and show the plan; ask no hub, need no token."
    )
    previous: Annotated[str | None, Flag("Release")] = Field(
        None, description="With --dry-run: compare with this folder, or with OWNER/NAME@version from the hub."
    )
    private: Annotated[bool, Flag("Release", default="no")] = Field(
        False, description="A new repository is private; a public one is refused."
    )
    gated: Annotated[bool, Flag("Release", default="no")] = Field(
        False, description="Readers must agree to share their name first."
    )
    create: Annotated[bool, Flag("Release", name="--create/--no-create", default="yes")] = Field(
        True, description="Create the repository if there is none."
    )
