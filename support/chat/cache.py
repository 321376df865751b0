"""Answers on disk: an SQLite file that several runs, one after the other or side by side, can share.

It keeps what the server answered, what the server can do, what each run has spent, and which batches are out. The key
of an answer is a digest of the question; the API key is nowhere in it. What is no answer is not kept: errors, refusals
by the server, responses without a text.
"""

import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple

from fiubench.support.chat.capability import Capability
from fiubench.support.chat.errors import ChatError

_VERSION = 2
_TABLES = """
CREATE TABLE answers (
    key TEXT PRIMARY KEY,
    response TEXT NOT NULL,     -- JSON as the server sent it
    model TEXT NOT NULL,        -- as the server reports it
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE capabilities (
    endpoint TEXT, model TEXT, how TEXT NOT NULL, PRIMARY KEY (endpoint, model)
) WITHOUT ROWID;
CREATE TABLE calls (            -- one row per call that was sent and may have to be paid
    id INTEGER PRIMARY KEY, run TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, discount REAL NOT NULL DEFAULT 1,
    settled INTEGER NOT NULL DEFAULT 0     -- 0: an upper bound, sent and not known to be answered
);
CREATE INDEX calls_of_run ON calls (run);
CREATE TABLE batches (
    run TEXT, part INTEGER, digest TEXT NOT NULL, requests INTEGER NOT NULL,
    state TEXT NOT NULL,        -- submitting, submitted, collected
    id TEXT, PRIMARY KEY (run, part)
) WITHOUT ROWID;
"""
_PUT = """INSERT OR REPLACE INTO answers (key, response, model, prompt_tokens, completion_tokens)
    VALUES (?, ?, ?, ?, ?)"""
#: Version 1 kept calls that were given up, and less of what a server takes.
_FROM_1 = """ALTER TABLE answers RENAME TO old;
DROP TABLE capabilities;
{answers};
{capabilities};
INSERT INTO answers SELECT key, response, model, prompt_tokens, completion_tokens FROM old WHERE response IS NOT NULL;
DROP TABLE old"""


class Stored(NamedTuple):
    """An answer. ``response`` is None where the server could not answer, for the reason ``error``; that is not kept."""

    response: str | None
    model: str
    prompt_tokens: int
    completion_tokens: int
    error: str = ""


class BatchRow(NamedTuple):
    """A batch as it is kept; ``state`` is "submitting" (without an id), "submitted" or "collected"."""

    part: int
    digest: str
    calls: int
    state: str
    id: str | None


def stored_response(text: str, model: str) -> Stored:
    """A response of the server with what it says of its model and tokens; ``model`` where it names none."""
    response = json.loads(text)
    usage = response.get("usage") if isinstance(response.get("usage"), dict) else {}
    prompt, completion = (
        n if isinstance(n := usage.get(name), int) and n >= 0 else 0 for name in ("prompt_tokens", "completion_tokens")
    )
    reported = str(response.get("model") or model)
    if PurePosixPath(reported).is_absolute() or PureWindowsPath(reported).is_absolute():
        reported = PureWindowsPath(reported).name  # local servers name a file: its folder is nobody's business
    return Stored(text, reported, prompt, completion)


def default_cache() -> Path:
    """Where answers are kept unless a file is named: ``fiubench/chat.sqlite3`` in the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "fiubench" / "chat.sqlite3"


class ChatCache:
    """The SQLite file (``None``: in memory, for this process alone). Safe to use from several threads.

    Raises:
        ChatError: the file can't be opened, is not such a cache, or the disk is full; by every method.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._lock = threading.Lock()
        if path is not None:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ChatError(f"cannot be created: {error.strerror}", where=path.parent) from error
        with self._readable_errors():
            self._db = sqlite3.connect(path or ":memory:", timeout=60, check_same_thread=False, isolation_level=None)
            # With WAL and NORMAL a killed process loses nothing that was committed; only a power cut may.
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
        with self._transaction() as db:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version == 0 and not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                self._execute(db, _TABLES)
            elif version == 1:
                answers, capabilities, *_ = _TABLES.split(";\n")
                self._execute(db, _FROM_1.format(answers=answers, capabilities=capabilities))
            elif version != _VERSION:
                hint = "Name another file, or remove this one: what it holds will be asked again."
                raise ChatError("is not a cache of this version", where=path, hint=hint)

    @staticmethod
    def _execute(db: sqlite3.Connection, statements: str) -> None:
        for statement in statements.split(";\n"):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {_VERSION}")

    @contextmanager
    def _readable_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            hint = "Free some space, or name another cache file."
            raise ChatError(f"the cache can't be used: {error}", where=self.path or "memory", hint=hint) from error

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._readable_errors():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _run(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._lock, self._readable_errors():
            return self._db.execute(statement, values).fetchall()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    # --- answers and what they cost -----------------------------------------------------------------------------------
    def get(self, key: str) -> Stored | None:
        """The answer to a question that was asked before."""
        statement = "SELECT response, model, prompt_tokens, completion_tokens FROM answers WHERE key = ?"
        return next((Stored(*row) for row in self._run(statement, key)), None)

    def begin(self, run: str, prompt_tokens: int, completion_tokens: int) -> int:
        """Record that a call is being sent, with an upper bound of its tokens; a killed run has paid at most that."""
        statement = "INSERT INTO calls (run, prompt_tokens, completion_tokens) VALUES (?, ?, ?) RETURNING id"
        return int(self._run(statement, run, prompt_tokens, completion_tokens)[0][0])

    def forget_call(self, call: int) -> None:
        """Drop the record of a call that the server turned down: nothing was paid."""
        self._run("DELETE FROM calls WHERE id = ?", call)

    def settle(self, call: int, key: str, stored: Stored, *, kept: bool) -> None:
        """Record what a call cost and, in one step, its answer where that is to be kept."""
        with self._transaction() as db:
            if kept:
                db.execute(_PUT, (key, *stored[:4]))
            statement = "UPDATE calls SET prompt_tokens = ?, completion_tokens = ?, settled = 1 WHERE id = ?"
            db.execute(statement, (stored.prompt_tokens, stored.completion_tokens, call))

    def settle_batched(self, key: str, stored: Stored, run: str, discount: float) -> bool:
        """Keep an answer that came by batch, with its price; False where it was kept before."""
        with self._transaction() as db:
            if db.execute("SELECT 1 FROM answers WHERE key = ?", (key,)).fetchone():
                return False
            db.execute(_PUT, (key, *stored[:4]))
            db.execute(
                "INSERT INTO calls (run, prompt_tokens, completion_tokens, discount, settled) VALUES (?, ?, ?, ?, 1)",
                (run, stored.prompt_tokens, stored.completion_tokens, discount),
            )
        return True

    def spent(self, run: str) -> list[tuple[int, int, int, float]]:
        """(calls, prompt tokens, completion tokens, discount) of a run, one row per discount."""
        statement = """SELECT count(*), sum(prompt_tokens), sum(completion_tokens), discount
            FROM calls WHERE run = ? GROUP BY discount ORDER BY discount"""
        return [(int(n), int(p), int(c), float(d)) for n, p, c, d in self._run(statement, run)]

    # --- servers and batches ------------------------------------------------------------------------------------------
    def capability(self, endpoint: str, model: str) -> Capability | None:
        """How a server is asked, where it is known."""
        rows = self._run("SELECT how FROM capabilities WHERE endpoint = ? AND model = ?", endpoint, model)
        how = json.loads(rows[0][0]) if rows else None
        return None if how is None else Capability(**{**how, "without": tuple(how["without"])})

    def set_capability(self, endpoint: str, model: str, how: Capability) -> None:
        """Keep how a server is asked."""
        text = json.dumps(how._asdict())
        self._run("INSERT OR REPLACE INTO capabilities VALUES (?, ?, ?)", endpoint, model, text)

    def batches(self, run: str) -> list[BatchRow]:
        """Every batch of a run, in order."""
        statement = "SELECT part, digest, requests, state, id FROM batches WHERE run = ? ORDER BY part"
        return [BatchRow(*row) for row in self._run(statement, run)]

    def set_batch(self, run: str, batch: BatchRow) -> None:
        """Keep the state of a batch."""
        self._run("INSERT OR REPLACE INTO batches VALUES (?, ?, ?, ?, ?, ?)", run, *batch)

    def drop_batch(self, run: str, part: int) -> None:
        """Forget a batch that was never submitted."""
        self._run("DELETE FROM batches WHERE run = ? AND part = ?", run, part)
