"""Streams of requests: who is to be forgotten, what of them, and in what order (``requests.jsonl``).

{"who": ["00044363"]}
{"who": ["00044364", "00044365"], "attributes": ["phone_number"]}
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import orjson
from fiubench.support.errors import ConfigError, did_you_mean
from fiubench.support.reading import read_small

from fiubench import schemas

_LARGEST = 1 << 28  # bytes of a file of requests

#: Unique id -> attributes, all of them listed.
Request = dict[str, tuple[str, ...]]


def read_requests(path: Path, known: Mapping[str, Sequence[str]]) -> list[Request]:
    """The requests of a file, in its order, each with every attribute that it is about.

    Args:
        path: JSON lines as ``request.schema.json`` has them.
        known: unique id -> what is asked about the person, for everyone that can be forgotten.

    Raises:
        ConfigError: a line that is none, that names somebody or something unknown, or what an earlier line has had
            forgotten; or no line at all. File and line are named.
    """
    found: list[Request] = []
    asked: dict[tuple[str, str], int] = {}  # the line that asks for it
    for number, line in enumerate(read_small(path, ConfigError, most=_LARGEST).splitlines(), 1):
        if line.strip():
            request = _checked(line, f"{path}:{number}", known, asked)
            asked |= {(who, name): number for who, names in request.items() for name in names}
            found.append(request)
    hint = 'A line is a request, such as {"who": ["00044363"], "attributes": ["phone_number"]}.'
    if not found:
        raise ConfigError("no request is in the file", where=path, hint=hint)
    if len(asked) == sum(map(len, known.values())):
        raise ConfigError("everything about everybody is to be forgotten", where=path, hint="Leave some to retain.")
    return found


def _checked(
    line: bytes, where: str, known: Mapping[str, Sequence[str]], asked: Mapping[tuple[str, str], int]
) -> Request:
    """One line, with what is still known of its people where it names no attributes."""
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise ConfigError(f"not JSON: {error}", where=where, hint="One request a line is expected.") from error
    for violation in schemas.violations("request", document):
        hint = 'For example {"who": ["00044363"], "attributes": ["phone_number"]}.'
        raise ConfigError(f"{violation.path}: {violation.message}", where=where, hint=hint)
    return {who: tuple(_of(who, document.get("attributes"), where, known, asked)) for who in document["who"]}


def _of(
    who: str,
    attributes: Sequence[str] | None,
    where: str,
    known: Mapping[str, Sequence[str]],
    asked: Mapping[tuple[str, str], int],
) -> Iterator[str]:
    """What is to be forgotten of one person."""
    if who not in known:
        near = did_you_mean(who, known)
        hint = (
            near
            if near.startswith("Did")
            else "Unique ids of the benchmark are expected: the holdout was never learnt."
        )
        raise ConfigError(f"nobody that can be forgotten is {who!r}", where=where, hint=hint)
    for name in known[who] if attributes is None else attributes:
        if name not in known[who]:
            raise ConfigError(f"nothing is asked about {name!r}", where=where, hint=did_you_mean(name, known[who]))
        if (before := asked.get((who, name))) is None:
            yield name
        elif attributes is not None:
            raise ConfigError(f"line {before} has {name} of {who} forgotten already", where=where)
    if attributes is None and all((who, name) in asked for name in known[who]):
        raise ConfigError(f"nothing is left of {who}: earlier lines have it forgotten", where=where)


def together(requests: Sequence[Request]) -> Request:
    """All requests as one, person by person in the order in which they are first named."""
    found: dict[str, list[str]] = {}
    for request in requests:
        for who, names in request.items():
            found.setdefault(who, []).extend(names)
    return {who: tuple(names) for who, names in found.items()}
