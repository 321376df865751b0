"""Answers on disk: an SQLite file that several runs, one after the other or side by side, can share.

It keeps what the server answered, what the server can do, what each run has spent, and which batches are out. The key
of an answer is a digest of the question; the API key is in none of it. Transient errors are not kept.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fiubench.support.chat.errors import ChatError

_VERSION = 1
_TABLES = """
CREATE TABLE answers (
    key TEXT PRIMARY KEY,
    response TEXT,              -- JSON as the server sent it; NULL where it was given up
    error TEXT,                 -- why it was given up
    model TEXT NOT NULL,        -- as the server reports it
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE capabilities (
    endpoint TEXT, model TEXT, form TEXT NOT NULL, limit_name TEXT NOT NULL, PRIMARY KEY (endpoint, model)
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


@dataclass(frozen=True)
class Stored:
    """An answer as it is kept. ``response`` is None where the server could not answer, for the reason ``error``."""

    response: str | None
    model: str
    prompt_tokens: int
    completion_tokens: int
    error: str | None = None


def default_cache() -> Path:
    """Where answers are kept unless a file is named: ``fiubench/chat.sqlite3`` in the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "fiubench" / "chat.sqlite3"


class ChatCache:
    """The SQLite file (``None``: in memory, for this process alone). Safe to use from several threads.

    Raises:
        ChatError: the file can't be opened, is no such cache, or the disk is full; by every method.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._lock = threading.Lock()
        if path is not None:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ChatError(f"cannot be made: {error.strerror}", where=path.parent) from error
        with self._told():
            self._db = sqlite3.connect(path or ":memory:", timeout=60, check_same_thread=False, isolation_level=None)
            self._prepare()

    def _prepare(self) -> None:
        # With WAL and NORMAL a killed process loses nothing that was committed; only a power cut may.
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute("BEGIN IMMEDIATE")
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        empty = not self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if version == 0 and empty:
            for statement in _TABLES.split(";\n"):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {_VERSION}")
        elif version != _VERSION:
            self._db.execute("ROLLBACK")
            hint = "Name another file, or remove this one: what it holds will be asked anew."
            raise ChatError("is not a cache of this version", where=self.path, hint=hint)
        self._db.execute("COMMIT")

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            hint = "Free some space, or name another cache file."
            raise ChatError(f"the cache can't be used: {error}", where=self.path or "memory", hint=hint) from error

    def _run(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._lock, self._told():
            return self._db.execute(statement, values).fetchall()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def get(self, key: str) -> Stored | None:
        """The answer to a question that was asked before."""
        rows = self._run(
            "SELECT response, model, prompt_tokens, completion_tokens, error FROM answers WHERE key = ?", (key,)
        )
        return Stored(*rows[0]) if rows else None

    def begin(self, run: str, prompt_tokens: int, completion_tokens: int) -> int:
        """Note that a call is being sent, with an upper bound of its tokens; a killed run has paid at most that."""
        rows = self._run(
            "INSERT INTO calls (run, prompt_tokens, completion_tokens) VALUES (?, ?, ?) RETURNING id",
            (run, prompt_tokens, completion_tokens),
        )
        return int(rows[0][0])

    def settle(self, call: int, key: str, stored: Stored) -> None:
        """Keep an answer and what its call cost, in one step."""
        with self._lock, self._told(), self._transaction():
            self._put(key, stored)
            self._db.execute(
                "UPDATE calls SET prompt_tokens = ?, completion_tokens = ?, settled = 1 WHERE id = ?",
                (stored.prompt_tokens, stored.completion_tokens, call),
            )

    def put(self, key: str, stored: Stored, run: str, discount: float) -> bool:
        """Keep an answer that came by batch, with its price; False where it was kept before."""
        with self._lock, self._told(), self._transaction():
            if self._db.execute("SELECT 1 FROM answers WHERE key = ?", (key,)).fetchone():
                return False
            self._put(key, stored)
            self._db.execute(
                "INSERT INTO calls (run, prompt_tokens, completion_tokens, discount, settled) VALUES (?, ?, ?, ?, 1)",
                (run, stored.prompt_tokens, stored.completion_tokens, discount),
            )
        return True

    def forget_call(self, call: int) -> None:
        """A call that the server turned down: nothing was paid."""
        self._run("DELETE FROM calls WHERE id = ?", (call,))

    def give_up(self, call: int, key: str, model: str, error: str) -> None:
        """Keep that the server can't answer a question, so that it is not asked again."""
        with self._lock, self._told(), self._transaction():
            self._put(key, Stored(None, model, 0, 0, error))
            self._db.execute("DELETE FROM calls WHERE id = ?", (call,))

    def _put(self, key: str, stored: Stored) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO answers (key, response, error, model, prompt_tokens, completion_tokens)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (key, stored.response, stored.error, stored.model, stored.prompt_tokens, stored.completion_tokens),
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def spent(self, run: str) -> list[tuple[int, int, int, float]]:
        """(calls, prompt tokens, completion tokens, discount) of a run, one row per discount."""
        rows = self._run(
            "SELECT count(*), sum(prompt_tokens), sum(completion_tokens), discount FROM calls WHERE run = ?"
            " GROUP BY discount ORDER BY discount",
            (run,),
        )
        return [(int(n), int(p), int(c), float(d)) for n, p, c, d in rows]

    def capability(self, endpoint: str, model: str) -> tuple[str, str] | None:
        """What a server can do with a model: (form of answers, name of the token limit), where it was tried."""
        rows = self._run(
            "SELECT form, limit_name FROM capabilities WHERE endpoint = ? AND model = ?", (endpoint, model)
        )
        return (str(rows[0][0]), str(rows[0][1])) if rows else None

    def set_capability(self, endpoint: str, model: str, form: str, limit_name: str) -> None:
        """Keep what a server can do with a model."""
        self._run("INSERT OR REPLACE INTO capabilities VALUES (?, ?, ?, ?)", (endpoint, model, form, limit_name))

    def batches(self, run: str) -> list[tuple[int, str, int, str, str | None]]:
        """(part, digest, requests, state, id) of every batch of a run, in order."""
        rows = self._run("SELECT part, digest, requests, state, id FROM batches WHERE run = ? ORDER BY part", (run,))
        return [(int(part), str(digest), int(n), str(state), batch_id) for part, digest, n, state, batch_id in rows]

    def set_batch(self, run: str, part: int, digest: str, requests: int, state: str, batch_id: str | None) -> None:
        """Keep the state of a batch."""
        self._run(
            "INSERT OR REPLACE INTO batches VALUES (?, ?, ?, ?, ?, ?)", (run, part, digest, requests, state, batch_id)
        )

    def drop_batch(self, run: str, part: int) -> None:
        """Forget a batch that was never submitted."""
        self._run("DELETE FROM batches WHERE run = ? AND part = ?", (run, part))
