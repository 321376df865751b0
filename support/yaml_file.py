"""Reading YAML that people write: safe tags only, no repeated keys, one clear message."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from fiubench.support.errors import FiubenchError
from fiubench.support.reading import read_small

_DEEPEST = 50  # lists in lists

_Base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's parser is ten times as fast


class _Loader(_Base):  # type: ignore[misc, valid-type]
    """SafeLoader that keeps dates as they were written, reads 1e-4 as a number, and refuses repeated keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                # `no: 1` and `1: x` are read as other types; a key is a name here.
                raise _at(key_node, f"key {key!r} must be text: put it in quotes")
            if key in seen:
                raise _at(key_node, f"key {key!r} stands twice")
            seen.add(key)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


def _refuse_traps(text: str) -> None:
    """Refuse what is no use to people and can bring a loader down."""
    depth = 0
    event: Any
    for event in yaml.parse(text, Loader=_Base):
        if isinstance(event, yaml.AliasEvent):  # a few nested ones make a document that fills the memory
            raise _at(event, "aliases (*name) are not allowed")
        if getattr(event, "tag", None):  # `!!int x` and its kind fail in ways of their own
            raise _at(event, "tags (!name) are not allowed")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:  # libyaml's composer recurses until the stack overflows
            raise _at(event, f"nested more than {_DEEPEST} deep")


def _at(node: Any, problem: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(None, None, problem, node.start_mark)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
# 1e-4 is text to YAML 1.1, which wants 1.0e-4
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"[-+]?\d+e[-+]\d+$", re.I), list("+-0123456789"))


def load_yaml(path: Path, error: type[FiubenchError]) -> Any:
    """The document in a YAML file.

    Raises:
        error: the file is missing, too large, not UTF-8 or not valid YAML; line and column are named.
    """
    try:
        text = read_small(path, error).decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise error(f"not UTF-8 text (byte {problem.start})", where=path, hint="Save the file as UTF-8.") from problem
    return parse_yaml(text, path, error)


def parse_yaml(text: str, path: Path, error: type[FiubenchError]) -> Any:
    """The document in a text from a file (see :func:`load_yaml`)."""
    try:
        _refuse_traps(text)
        return yaml.load(text, Loader=_Loader)  # noqa: S506  (a SafeLoader)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark
        place = f"{path}, line {mark.line + 1}, column {mark.column + 1}" if mark else path
        hint = "Check indentation, colons and quotes."
        raise error(f"not valid YAML: {problem.problem}", where=place, hint=hint) from problem
    except yaml.YAMLError as problem:
        raise error(f"not valid YAML: {problem}", where=path) from problem
    except RecursionError as problem:
        raise error("nested too deeply", where=path) from problem
    except ValueError as problem:  # 0x_, or a number of five thousand digits
        raise error(f"holds a number that can't be read: {problem}", where=path) from problem


def line_of(path: Path, location: Sequence[str | int]) -> int | None:
    """The line of a YAML file on which a place of its document stands; of the deepest step that is there.

    ``None`` where the file can't be read (any more).
    """
    try:
        node = yaml.compose(read_small(path, FiubenchError).decode("utf-8-sig"), Loader=_Base)
    except (FiubenchError, UnicodeDecodeError, yaml.YAMLError):
        return None
    mark = node.start_mark if node else None
    for step in location:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == step), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            found = node.value[step], node.value[step]
        else:
            found = None
        if found is None:
            break
        mark, node = found[0].start_mark, found[1]
    return mark.line + 1 if mark else None
