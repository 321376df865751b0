"""Fictitious facial-identity datasets for machine unlearning in vision-language models.

Every command of ``fiubench`` is a function here, under the same name and with the same options:

>>> import fiubench
>>> fiubench.build({"identities": 100}, "dataset")                          # doctest: +SKIP
>>> fiubench.open_dataset("dataset").rows("forget05")[0]["question"]        # doctest: +SKIP

What goes wrong is a :class:`FiubenchError`, whose text says what is wrong, where, and how to mend it. Modules are
imported when they are needed: ``import fiubench`` alone costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fiubench.builder.audit.run import audit as audit
    from fiubench.builder.config import Config as Config
    from fiubench.builder.config import make_config as make_config
    from fiubench.builder.config import read_config as read_config
    from fiubench.builder.dataset.reading import Dataset as Dataset
    from fiubench.builder.dataset.reading import HubDataset as HubDataset
    from fiubench.builder.dataset.reading import open_dataset as open_dataset
    from fiubench.builder.dataset.rows import Rows as Rows
    from fiubench.builder.dataset.signature import sign as sign
    from fiubench.builder.exports.write import export as export
    from fiubench.builder.hub.downloaded import downloaded as downloaded
    from fiubench.builder.hub.publish import publish as publish
    from fiubench.builder.hub.pull import diff as diff
    from fiubench.builder.hub.pull import pull as pull
    from fiubench.builder.hub.pull import releases as releases
    from fiubench.builder.pipeline.build import build as build
    from fiubench.builder.pipeline.build import preview as preview
    from fiubench.builder.pipeline.resplit import split as split
    from fiubench.builder.pipeline.steps import finish as finish
    from fiubench.builder.pipeline.steps import part as part
    from fiubench.builder.pipeline.steps import plan as plan
    from fiubench.builder.pipeline.verify import verify as verify
    from fiubench.builder.rules.validate import validate as validate
    from fiubench.support.errors import FiubenchError as FiubenchError
    from fiubench.support.version import __version__ as __version__
    from fiubench.unlearning.attacks.workflow import attack as attack
    from fiubench.unlearning.evaluation.workflow import evaluate as evaluate
    from fiubench.unlearning.experiment import experiment as experiment
    from fiubench.unlearning.reporting.checking import check_submission as check_submission
    from fiubench.unlearning.reporting.checking import submit as submit
    from fiubench.unlearning.reporting.leaderboard import leaderboard as leaderboard
    from fiubench.unlearning.reporting.power import power as power
    from fiubench.unlearning.reporting.report import compare as compare
    from fiubench.unlearning.streams.workflow import unlearn_requests as unlearn_requests
    from fiubench.unlearning.training.train import finetune as finetune
    from fiubench.unlearning.training.train import unlearn as unlearn

_WHERE = {
    "builder.audit.run": ("audit",),
    "builder.config": ("Config", "make_config", "read_config"),
    "builder.dataset.reading": ("Dataset", "HubDataset", "open_dataset"),
    "builder.dataset.rows": ("Rows",),
    "builder.dataset.signature": ("sign",),
    "builder.exports.write": ("export",),
    "builder.hub.publish": ("publish",),
    "builder.hub.downloaded": ("downloaded",),
    "builder.hub.pull": ("diff", "pull", "releases"),
    "builder.pipeline.build": ("build", "preview"),
    "builder.pipeline.resplit": ("split",),
    "builder.pipeline.steps": ("finish", "part", "plan"),
    "builder.pipeline.verify": ("verify",),
    "builder.rules.validate": ("validate",),
    "support.errors": ("FiubenchError",),
    "support.version": ("__version__",),
    "unlearning.attacks.workflow": ("attack",),
    "unlearning.evaluation.workflow": ("evaluate",),
    "unlearning.experiment": ("experiment",),
    "unlearning.reporting.checking": ("check_submission", "submit"),
    "unlearning.reporting.leaderboard": ("leaderboard",),
    "unlearning.reporting.power": ("power",),
    "unlearning.reporting.report": ("compare",),
    "unlearning.streams.workflow": ("unlearn_requests",),
    "unlearning.training.train": ("finetune", "unlearn"),
}
_MODULES = {name: f"fiubench.{module}" for module, names in _WHERE.items() for name in names}
__all__ = sorted(_MODULES)  # noqa: PLE0605

if not TYPE_CHECKING:  # a type checker knows the names from above, and that there are no others

    def __getattr__(name: str) -> object:
        """A name of the API, imported the first time that it is used."""
        if name not in _MODULES:
            raise AttributeError(f"module 'fiubench' has no attribute {name!r}")
        globals()[name] = found = getattr(import_module(_MODULES[name]), name)
        return found

    def __dir__() -> list[str]:
        return sorted({*globals(), *_MODULES})
