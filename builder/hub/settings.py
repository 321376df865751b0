"""Settings of what talks to the Hub."""

from typing import Annotated

from fiubench.support.settings import Field, Flag, Settings

_HUB, _RELEASE = Flag("Hub"), Flag("Release", default="no")


class HubSettings(Settings):
    """Which hub, and who asks it (see :func:`~fiubench.builder.hub.access.make_access`)."""

    endpoint: Annotated[str | None, Flag("Hub", default="HF_ENDPOINT, else https://huggingface.co")] = None
    """Address of the hub."""
    token_file: Annotated[str | None, Flag("Hub", default="HF_TOKEN or the stored login, for huggingface.co alone")] = (
        None
    )
    """File that holds the token, or - for standard input."""
    timeout: Annotated[float, Field(ge=0.1, le=3600), _HUB] = 60.0
    """Seconds that the hub may stay silent."""


class PublishSettings(HubSettings):
    """The options of `fiubench publish`."""

    message: Annotated[str, Flag("Release")] = ""
    """A sentence for the changelog and the commit."""
    dry_run: Annotated[bool, _RELEASE] = False
    """Stage, prove and show the plan; ask no hub, need no token."""
    previous: Annotated[str | None, Flag("Release")] = None
    """With --dry-run: compare with this folder, or with OWNER/NAME@version from the hub."""
    private: Annotated[bool, _RELEASE] = False
    """A new repository is private; a public one is refused."""
    gated: Annotated[bool, _RELEASE] = False
    """Readers must agree to share their name first."""
    create: Annotated[bool, Flag("Release", name="--create/--no-create", default="yes")] = True
    """Create the repository if there is none."""
