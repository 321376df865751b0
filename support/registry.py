"""Kinds of things that anyone can add to: a source, a value type, a measure, a format, a method, a metric.

A :class:`Registry` holds one kind. Built-in entries are the modules of one package: a file put there is found. Entries
from outside come from installed distributions, through an entry point of the kind's group
(``[project.entry-points."fiubench.methods"]``, ``wga = "my_package.wga"``), or from a file named with ``--plugin``.
Importing the module registers what it defines.
"""

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Generic, TypeVar

from fiubench.support.canonical import file_digest
from fiubench.support.errors import ConfigError, did_you_mean

T = TypeVar("T")
_PACKAGE = "fiubench"
_FILES: dict[str, Path] = {}  # module name of a --plugin file -> the file


@dataclass(frozen=True)
class Plugin:
    """What an entry from outside was defined by, in a form that may be published."""

    name: str  # of the distribution, or of the file
    version: str  # of the distribution; empty for a file
    module: str
    sha256: str  # of the module's file

    def __str__(self) -> str:
        return f"{self.name} {self.version}".rstrip()


class Registry(Mapping[str, T], Generic[T]):
    """Name -> entry of one kind: built-in ones first, by module; then others in the order of their registration.

    Args:
        kind: what an entry is called in messages, such as ``method``.
        group: the entry point group without ``fiubench.``, such as ``methods``.
        package: the package whose modules are the built-in entries.
        key: entries are sorted by it, and not by module.
    """

    def __init__(self, kind: str, group: str, package: str, *, key: Callable[[T], Any] | None = None) -> None:
        self.kind, self.group, self.package, self._key = kind, f"{_PACKAGE}.{group}", package, key
        self._entries: dict[str, T] = {}
        self._loaded = False

    def add(self, name: str, entry: T) -> T:
        """Register an entry under a name, and return it.

        Raises:
            ConfigError: the name is taken by another entry; both are named.
        """
        if plugin_of(entry) is not None:
            self._load()  # built-in entries come first
        taken = self._entries.get(name)
        if taken is not None and (_module(taken), repr(taken)) != (_module(entry), repr(entry)):
            what = f"two {self.kind}s are called {name!r}: one of {_owner(taken)}, one of {_owner(entry)}"
            raise ConfigError(what, hint="Rename one of them, or leave its plug-in out.")
        self._entries[name] = entry
        return entry

    def find(self, name: str, where: object = "") -> T:
        """The entry of a name.

        Raises:
            ConfigError: there is none; the nearest name is suggested.
        """
        if name not in self:
            raise ConfigError(f"unknown {self.kind} {name!r}", where=where, hint=did_you_mean(name, self))
        return self[name]

    def plugin(self, name: str) -> Plugin | None:
        """What defined an entry; ``None`` for a built-in one."""
        return plugin_of(self[name])

    def used(self, names: Iterable[str]) -> dict[str, dict[str, str]]:
        """For a manifest: those of the names that come from outside -> plug-in, version and digest."""
        found = {name: self.plugin(name) for name in sorted(set(names))}
        return {
            f"{self.kind} {name}": {"plugin": p.name, "version": p.version, "sha256": p.sha256}
            for name, p in found.items()
            if p is not None
        }

    def __getitem__(self, name: str) -> T:
        self._load()
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        self._load()
        key = self._key or _order
        return iter(sorted(self._entries, key=lambda name: key(self._entries[name])))

    def __len__(self) -> int:
        self._load()
        return len(self._entries)

    def _load(self) -> None:
        """Import the built-in modules and the entry points, once."""
        if self._loaded:
            return
        self._loaded = True
        package = importlib.import_module(self.package)
        for module in sorted(info.name for info in pkgutil.iter_modules(package.__path__)):
            importlib.import_module(f"{self.package}.{module}")
        points = metadata.entry_points(group=self.group)
        for point in sorted(points, key=lambda p: (p.dist.name if p.dist else "", p.name)):
            try:
                point.load()
            except ConfigError:
                raise
            except Exception as error:  # anything may happen in somebody else's module
                owner = point.dist.name if point.dist else point.value
                message = f"the plug-in can't be loaded: {type(error).__name__}: {error}"
                raise ConfigError(message, where=f"{owner} ({point.value})", hint="Mend or uninstall it.") from error


def load_plugins(files: Iterable[Path]) -> None:
    """Import files of the user's own, which register what they define. A file that is loaded already is passed over.

    Raises:
        ConfigError: one of them can't be imported, or takes a name that is taken.
    """
    for file in files:
        if not file.is_file():
            raise ConfigError("no such file", where=f"--plugin {file}", hint="Name a Python file.")
        name = f"fiubench_plugin_{file.stem}_{file_digest(file)[:8]}"
        if name in _FILES:
            continue
        spec = importlib.util.spec_from_file_location(name, file)
        if spec is None or spec.loader is None:
            raise ConfigError("is no Python file", where=f"--plugin {file}", hint="Its name ends in .py.")
        module = importlib.util.module_from_spec(spec)
        _FILES[name], sys.modules[name] = file.resolve(), module
        try:
            spec.loader.exec_module(module)
        except ConfigError:
            raise
        except Exception as error:  # anything may happen in somebody else's file
            del _FILES[name], sys.modules[name]
            message = f"can't be loaded: {type(error).__name__}: {error}"
            raise ConfigError(message, where=f"--plugin {file}", hint="Mend the file.") from error


def plugin_files() -> list[Path]:
    """The files that :func:`load_plugins` has loaded: what a worker process has to load too."""
    return list(_FILES.values())


def plugin_of(entry: Any) -> Plugin | None:
    """What defined an entry, a class, a function or an instance; ``None`` where it is built in."""
    if not _is_outside(entry):
        return None
    module = _module(entry)
    source = getattr(sys.modules[module], "__file__", None)
    sha256 = file_digest(Path(source)) if source else ""
    if module in _FILES:
        return Plugin(_FILES[module].name, "", module, sha256)
    top = module.split(".")[0]
    if names := _distributions().get(top):
        return Plugin(names[0], metadata.version(names[0]), module, sha256)
    return Plugin(top, "", module, sha256)


def _module(entry: Any) -> str:
    return str(getattr(entry, "__module__", None) or type(entry).__module__)


def _is_outside(entry: Any) -> bool:
    return _module(entry).split(".")[0] != _PACKAGE


def _order(entry: Any) -> tuple[bool, str]:
    """Built-in entries by module, whichever was imported first; then those of plug-ins."""
    return (True, "") if _is_outside(entry) else (False, _module(entry))


def _owner(entry: Any) -> str:
    return str(plugin_of(entry) or _PACKAGE)


@cache
def _distributions() -> Mapping[str, list[str]]:
    return metadata.packages_distributions()
