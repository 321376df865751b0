"""Settings of what talks to the Hub."""

from collections.abc import Mapping
from typing import Annotated, Any

from fiubench.builder.config import Text, collect_about
from fiubench.support.settings import Field, Flag, Settings
from pydantic import model_validator

_HUB, _RELEASE = Flag("Hub", metavar="SECONDS"), Flag("Release", default="no")
_ENDPOINT = Flag("Hub", metavar="URL", default="the environment variable HF_ENDPOINT, else https://huggingface.co")
_TOKEN = Flag(
    "Hub",
    metavar="FILE",
    default="the environment variable HF_TOKEN or the stored login, either for huggingface.co alone",
)


class HubSettings(Settings):
    """Which hub, and who asks it (see :func:`~fiubench.builder.hub.access.make_access`)."""

    endpoint: Annotated[str | None, _ENDPOINT] = None
    """Use the hub at this address."""
    token_file: Annotated[str | None, _TOKEN] = None
    """Read the access token from this file, or from standard input where it is -."""
    timeout: Annotated[float, Field(ge=0.1, le=3600), _HUB] = 60.0
    """Give up once the hub has been silent for this many seconds."""


class PublishSettings(HubSettings):
    """The options of `fiubench publish`."""

    message: Annotated[str, Flag("Release", metavar="TEXT", default="none")] = ""
    """Write this sentence into the changelog and the commit."""
    dry_run: Annotated[bool, _RELEASE] = False
    """Stage the release, check it and show the plan, but send nothing; no token is needed."""
    previous: Annotated[str | None, Flag("Release", metavar="DATASET", default="none")] = None
    """With --dry-run: show the changes since this dataset folder, or since OWNER/NAME[@version] on the hub."""
    stage: Annotated[str | None, Flag("Release", metavar="DIR", default="none")] = None
    """With --dry-run: keep the staged release, card included, in this new folder; its day and its changes are those of
    --date and --previous."""
    metadata: Annotated[str | None, Flag("Release", metavar="FILE", default="none")] = None
    """Take authors, contact, title, license, funding and more from this YAML file."""
    date: Annotated[str | None, Flag("Release", metavar="YYYY-MM-DD", default="the file's, else the hub's")] = None
    """Give the release this day of publication."""
    accept: Annotated[tuple[str, ...], Flag("Release", metavar="MEASURE")] = ()
    """Publish although this measure of the audit fails, and say so in the card; repeat it for several."""
    private: Annotated[bool, _RELEASE] = False
    """Make a new repository private, and refuse to publish to a public one."""
    gated: Annotated[bool, _RELEASE] = False
    """Let only those readers download it who agree that their name is shared with you."""
    create: Annotated[bool, Flag("Release", name="--create/--no-create", default="yes")] = True
    """Create the repository if there is none."""
    revision: Annotated[str | None, Flag("Release", metavar="BRANCH", default="main")] = None
    """Publish on this branch, begun at main if it is not there; versions go up on each branch by itself."""
    create_pr: Annotated[bool, _RELEASE] = False
    """Propose the release in a pull request, without a tag; publish the same without this option once it is merged."""
    titles: Mapping[str, Text] = {}
    """Source -> what it is called on the card, instead of what the build was told."""
    licenses: Mapping[str, Text] = {}
    """Source -> its license, instead of what the build was told."""

    @model_validator(mode="before")
    @classmethod
    def _collect_about(cls, values: Any) -> Any:
        """``faces_license: X`` becomes an entry of ``licenses``, as in the settings of a build."""
        return collect_about(values) if isinstance(values, dict) else values
