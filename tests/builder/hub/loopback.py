"""A Hugging Face Hub on loopback: a server process that the unmodified client talks to, in LFS mode.

``python loopback.py [CERTIFICATE KEY]`` prints its port. It keeps everything in memory. Below ``/_control/`` a test
switches faults on, pushes as somebody else would, and reads what was asked and what is stored.

A fault: ``{"match": "POST /api/datasets/.*/commit/", "action": ..., "times": 1}`` with the actions

- ``status``: answer with ``status``, ``headers`` and the text ``error``, do nothing;
- ``reset``: reset the connection, do nothing;
- ``reset_after``: do what is asked, then reset the connection instead of answering;
- ``silent``: say nothing for a minute, do nothing;
- ``silent_after``: do what is asked, say nothing for a minute;
- ``push``: somebody else pushes first, then go on.
"""

import base64
import hashlib
import json
import re
import socket
import ssl
import struct
import sys
import threading
import time
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKENS = {
    "hf_writer_secret": ("alice", True),
    "hf_reader_secret": ("bob", False),
}
_LFS = (".parquet", ".jpg", ".bin")
_LARGE = 10 << 20
_ATTRIBUTES = b"*.parquet filter=lfs diff=lfs merge=lfs -text\n"
_SILENCE = 60.0


class Answer(Exception):
    """An answer that ends the handling of a request."""

    def __init__(self, status: int, code: str = "", message: str = "", **more: Any) -> None:
        self.status, self.code, self.message, self.more = status, code, message, more
        super().__init__(status, code, message)


@dataclass
class File:
    """A file of a commit: its git blob id, its bytes, and its SHA-256 if it is in LFS."""

    oid: str
    data: bytes
    sha256: str | None = None


@dataclass
class Commit:
    """A commit with its whole tree."""

    oid: str
    title: str
    message: str
    author: str
    date: str
    tree: dict[str, File]


@dataclass
class Repo:
    """A dataset repository."""

    private: bool
    gated: Any = False
    commits: list[Commit] = field(default_factory=list)  # of main, oldest first
    tags: dict[str, str] = field(default_factory=dict)
    branches: dict[str, list[Commit]] = field(default_factory=dict)  # others than main, likewise
    proposals: dict[int, list[Commit]] = field(default_factory=dict)  # pull requests, likewise
    closed: set[int] = field(default_factory=set)  # of these

    def lines(self) -> list[list[Commit]]:
        """Everything that has commits, main first."""
        return [self.commits, *self.branches.values(), *self.proposals.values()]

    def line(self, branch: str) -> list[Commit]:
        """The commits of a branch."""
        if branch not in ("main", *self.branches):
            raise Answer(404, "RevisionNotFound", f"Invalid rev id: {branch}")
        return self.branches.get(branch, self.commits)

    def commit(
        self, title: str, message: str, author: str, tree: dict[str, File], line: list[Commit] | None = None
    ) -> Commit:
        """Put a commit on main, or on another line."""
        line = self.commits if line is None else line
        date = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=len(line))
        parts = (title, message, author, len(line), sorted((p, f.oid) for p, f in tree.items()))
        oid = hashlib.sha1(repr(parts).encode()).hexdigest()
        made = Commit(oid, title, message, author, date.strftime("%Y-%m-%dT%H:%M:%S.000Z"), tree)
        line.append(made)
        return made

    def merge(self, number: int) -> None:
        """Merge a pull request, as the hub does: one commit on main."""
        proposed = self.proposals[number][-1]
        self.commit(f"{proposed.title} (#{number})", proposed.message, "alice", dict(proposed.tree))
        self.closed.add(number)

    def at(self, revision: str) -> Commit:
        """The commit of a branch, tag or id."""
        heads = {name: line[-1].oid for name, line in self.branches.items()}
        oid = {"main": self.commits[-1].oid, **heads, **self.tags}.get(revision, revision)
        for commit in (commit for line in self.lines() for commit in line):
            if commit.oid == oid:
                return commit
        raise Answer(404, "RevisionNotFound", f"Invalid rev id: {revision}")


def blob(data: bytes) -> str:
    """Git's id of a file."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _told(commit: Commit) -> dict[str, Any]:
    files = {path: len(file.data) for path, file in commit.tree.items()}
    return {
        "oid": commit.oid,
        "title": commit.title,
        "message": commit.message,
        "author": commit.author,
        "files": files,
    }


class Hub:
    """Everything that is stored and switched."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.repos: dict[str, Repo] = {}
        self.storage: dict[str, bytes] = {}
        self.faults: list[dict[str, Any]] = []
        self.log: list[dict[str, Any]] = []
        self.renamed: dict[str, str] = {}  # old name -> new one
        self.part_size = 0  # bytes of a part of an upload; 0: all at once
        self.parts: dict[str, dict[int, bytes]] = {}  # oid -> part -> its bytes
        self.day = "Fri, 02 Jan 2026 12:00:00 GMT"  # its clock
        self.full = ""  # what the storage says of an upload for which it has no room
        self.scheme = "http"
        self.elsewhere = ""  # base address of another host that takes LFS uploads

    def push(self, name: str, files: dict[str, str], title: str = "Edited by hand") -> str:
        """Somebody else's commit."""
        repo = self.repos[name]
        tree = dict(repo.commits[-1].tree)
        for path, text in files.items():
            tree[path] = File(blob(text.encode()), text.encode())
        return repo.commit(title, "", "mallory", tree).oid

    def state(self) -> dict[str, Any]:
        """What is stored, as JSON."""
        return {
            name: {
                "private": repo.private,
                "gated": repo.gated,
                "tags": repo.tags,
                "commits": [_told(c) for c in repo.commits],
                "branches": {name: [_told(c) for c in line] for name, line in repo.branches.items()},
                "proposals": {number: [_told(c) for c in line] for number, line in repo.proposals.items()},
            }
            for name, repo in self.repos.items()
        }


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_: Any) -> None:
        pass

    def date_time_string(self, timestamp: float | None = None) -> str:
        return self.hub.day

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PUT = do_DELETE = do_HEAD = do_GET

    def _serve(self) -> None:
        self.body = self._read_body()
        parts = urlsplit(self.path)
        self.where, self.query = unquote(parts.path), parse_qs(parts.query)
        if self.where.startswith("/_control/"):
            self._send(200, self._control(self.where.removeprefix("/_control/")))
            return
        fault = self._fault()
        action = fault.get("action", "")
        if action == "status":
            self._send(fault["status"], {"error": fault.get("error", "switched on")}, fault.get("headers", {}))
            return
        if action == "push":
            self.hub.push(fault["repo"], {"note.txt": "by somebody else"})
        if action in ("reset", "silent"):
            self._fall_silent(action)
            return
        try:
            with self.hub.lock:
                answer = self._route()
        except Answer as problem:
            headers = {"X-Error-Code": problem.code, "X-Error-Message": problem.message}
            answer = problem.status, {"error": problem.message, **problem.more}, {k: v for k, v in headers.items() if v}
        if action in ("reset_after", "silent_after"):
            self._fall_silent(action.removesuffix("_after"))
            return
        self._send(*answer)

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            pieces = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(pieces)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _fault(self) -> dict[str, Any]:
        with self.hub.lock:
            line = f"{self.command} {self.where}"
            entry = {"line": line, "authorization": self.headers.get("Authorization", ""), "fault": ""}
            self.hub.log.append(entry)
            for fault in self.hub.faults:
                if fault["times"] and re.match(fault["match"], line):
                    fault["times"] -= 1
                    entry["fault"] = fault["action"]
                    return fault
            return {}

    def _fall_silent(self, action: str) -> None:
        self.close_connection = True
        if action == "silent":
            time.sleep(_SILENCE)
            return
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def _send(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        given = dict(headers or {})
        given.setdefault("Content-Type", "application/json")
        given.setdefault("Content-Length", str(len(data)))
        for name, value in given.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _control(self, what: str) -> Any:  # noqa: PLR0912
        hub, given = self.hub, json.loads(self.body or b"{}")
        with hub.lock:
            if what == "fault":
                hub.faults.append({"times": 1, **given})
            elif what == "calm":
                hub.faults.clear()
            elif what == "forget":
                hub.log.clear()
            elif what == "push":
                return hub.push(given["repo"], given["files"])
            elif what == "create":
                repo = hub.repos[given["repo"]] = Repo(private=False)
                repo.commit("initial commit", "", "alice", {})
            elif what == "merge":
                hub.repos[given["repo"]].merge(given["number"])
            elif what == "rename":
                hub.repos[given["to"]] = hub.repos.pop(given["repo"])
                hub.renamed[given["repo"]] = given["to"]
            elif what == "fork":
                hub.repos[given["to"]] = deepcopy(hub.repos[given["repo"]])
            elif what == "tag":
                hub.repos[given["repo"]].tags[given["tag"]] = given["commit"]
            elif what == "settings":
                hub.elsewhere, hub.full = given.get("elsewhere", ""), given.get("full", "")
                hub.part_size, hub.day = given.get("part_size", 0), given.get("day", hub.day)
            elif what == "gate":
                hub.repos[given["repo"]].gated = given["gated"]
            elif what == "log":
                return hub.log
            elif what == "state":
                return hub.state()
            elif what == "storage":
                return sorted(hub.storage)
            return {}

    # --- the Hub's own addresses --------------------------------------------------------------------------------------
    def _route(self) -> tuple[int, Any, dict[str, str]]:  # noqa: PLR0911, PLR0912
        line = f"{self.command} {self.where}"
        for old, new in self.hub.renamed.items():
            if re.match(rf"(/api)?/datasets/{re.escape(old)}(/|\.git/|$)", self.where):
                return 307, {}, {"Location": self.path.replace(f"/datasets/{old}", f"/datasets/{new}", 1)}
        if line == "GET /api/whoami-v2":
            return 200, {"name": self._user(), "type": "user"}, {}
        if line == "POST /api/repos/create":
            return 200, self._create(), {}
        if line == "POST /api/validate-yaml":
            return 200, {"errors": [], "warnings": []}, {}
        if match := re.fullmatch(r"PUT /_lfs/([0-9a-f]{64})/(\d+)", line):
            self.hub.parts.setdefault(match[1], {})[int(match[2])] = self.body
            return 200, b"", {"ETag": hashlib.md5(self.body).hexdigest()}
        if match := re.fullmatch(r"POST /_lfs/([0-9a-f]{64})", line):
            parts = self.hub.parts[match[1]]
            numbers = [part["partNumber"] for part in json.loads(self.body)["parts"]]
            self.hub.storage[match[1]] = b"".join(parts[number] for number in numbers)
            return 200, {}, {}
        if match := re.fullmatch(r"PUT /_lfs/([0-9a-f]{64})", line):
            if hashlib.sha256(self.body).hexdigest() != match[1]:
                raise Answer(400, message="the bytes are not those of the oid")
            self.hub.storage[match[1]] = self.body
            return 200, b"", {}
        if line == "POST /_lfs/verify":
            return 200, {}, {}
        if match := re.fullmatch(r"POST /datasets/([^/]+/[^/]+)\.git/info/lfs/objects/batch", line):
            return 200, self._batch(match[1]), {}
        if match := re.fullmatch(r"(GET|HEAD) /datasets/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", line):
            return self._resolve(self._repo(match[2]).at(match[3]), match[4])
        if match := re.fullmatch(r"(\w+) /api/datasets/([^/]+/[^/]+)(?:/([a-z-]+)(?:/([^/]+)(?:/(.+))?)?)?", line):
            return 200, self._api(match[1], match[2], match[3] or "", match[4] or "main", match[5] or ""), {}
        raise Answer(404, message=f"no such address: {line}")

    def _api(self, method: str, name: str, what: str, revision: str, path: str) -> Any:  # noqa: PLR0911, PLR0912
        proposes = "create_pr" in self.query
        write = method != "GET" and what in ("preupload", "commit", "tag", "branch", "settings") and not proposes
        repo = self._repo(name, write=write)
        match method, what:
            case "GET", "" | "revision":
                return self._info(name, repo, repo.at(revision))
            case "GET", "refs":
                refs = [{"name": n, "ref": f"refs/tags/{n}", "targetCommit": oid} for n, oid in repo.tags.items()]
                heads = [
                    {"name": n, "ref": f"refs/heads/{n}", "targetCommit": line[-1].oid}
                    for n, line in {"main": repo.commits, **repo.branches}.items()
                ]
                asked = [
                    {"name": f"refs/pr/{n}", "ref": f"refs/pr/{n}", "targetCommit": line[-1].oid}
                    for n, line in repo.proposals.items()
                ]
                return {"branches": heads, "converts": [], "tags": refs, "pullRequests": asked}
            case "GET", "discussions":
                return self._discussions(name, repo)
            case "POST", "branch":
                if revision in ("main", *repo.branches):
                    raise Answer(409, message=f"Reference already exists: {revision}")
                start = repo.at(json.loads(self.body).get("startingPoint", "main"))
                line = next(line for line in repo.lines() if start in line)
                repo.branches[revision] = line[: line.index(start) + 1]
                return {}
            case "GET", "commits":
                last = repo.at(revision)
                line = next(line for line in repo.lines() if last in line)
                return [
                    {"id": c.oid, "title": c.title, "message": c.message, "date": c.date,
                     "authors": [{"user": c.author}]}
                    for c in reversed(line[: line.index(last) + 1])
                ]  # fmt: skip
            case "GET", "tree":
                return self._tree(repo.at(revision), path)
            case "POST", "paths-info":
                wanted = parse_qs(self.body.decode()).get("paths", [])
                tree = repo.at(revision).tree
                return [_entry(p, tree[p]) for p in wanted if p in tree]
            case "POST", "preupload":
                return self._preupload(repo.at(revision))
            case "POST", "commit":
                return self._commit(name, repo, revision)
            case "POST", "tag":
                tag, commit = json.loads(self.body)["tag"], repo.at(revision)
                if tag in repo.tags:
                    raise Answer(409, message=f"Tag reference already exists: {tag}")
                repo.tags[tag] = commit.oid
                return {}
            case "PUT", "settings":
                repo.gated = json.loads(self.body).get("gated", repo.gated)
                return {}
        raise Answer(404, message=f"no such address: {method} {what}")

    def _user(self, *, write: bool = False) -> str | None:
        header = self.headers.get("Authorization", "")
        if not header:
            if write:
                raise Answer(401, message="Invalid username or password.")
            return None
        if header.removeprefix("Bearer ") not in TOKENS:
            raise Answer(401, message="Invalid credentials in Authorization header")
        name, writes = TOKENS[header.removeprefix("Bearer ")]
        if write and not writes:
            raise Answer(403, message="You don't have the rights to push to this repository")
        return name

    def _repo(self, name: str, *, write: bool = False) -> Repo:
        repo, user = self.hub.repos.get(name), self._user()
        if repo is None or (repo.private and user != _owner(name)):
            raise Answer(404 if user else 401, "RepoNotFound", "Repository not found")
        if write:
            self._user(write=True)
        elif repo.gated and user is None and "/resolve/" in self.where:
            raise Answer(401, "GatedRepo", f"Access to dataset {name} is restricted.")
        return repo

    def _create(self) -> Any:
        given = json.loads(self.body)
        user = self._user(write=True)
        name = f"{given.get('organization') or user}/{given['name']}"
        url = f"{self.hub.scheme}://{self.headers['Host']}/datasets/{name}"
        if name in self.hub.repos:
            raise Answer(409, message="You already created this dataset repo", url=url)
        if _owner(name) != user:
            raise Answer(403, message=f'You don\'t have the rights to create a dataset under the namespace "{name}"')
        repo = self.hub.repos[name] = Repo(private=given.get("visibility") == "private" or bool(given.get("private")))
        attributes = File(blob(_ATTRIBUTES), _ATTRIBUTES)
        repo.commit("initial commit", "", str(user), {".gitattributes": attributes})
        return {"url": url, "name": name}

    def _batch(self, name: str) -> Any:
        self._repo(name)
        if self._user() is None:
            raise Answer(401, message="Invalid username or password.")
        base = self.hub.elsewhere or f"{self.hub.scheme}://{self.headers['Host']}"
        objects = []
        for item in json.loads(self.body)["objects"]:
            entry = {"oid": item["oid"], "size": item["size"]}
            if self.hub.full:
                objects.append({**entry, "error": {"code": 403, "message": self.hub.full}})
                continue
            if item["oid"] not in self.hub.storage:
                verify, href, header = {"href": f"{base}/_lfs/verify"}, f"{base}/_lfs/{item['oid']}", {}
                if size := self.hub.part_size:
                    header = {str(n + 1): f"{href}/{n + 1}" for n in range(-(-item["size"] // size))}
                    header["chunk_size"] = str(size)
                entry["actions"] = {"upload": {"href": href, "header": header}, "verify": verify}
            objects.append(entry)
        return {"transfer": "basic", "objects": objects}

    def _preupload(self, commit: Commit) -> Any:
        files, ignored = [], commit.tree.get(".gitignore")
        rules = ignored.data.decode().split() if ignored else []
        for item in json.loads(self.body)["files"]:
            mode = "lfs" if item["path"].endswith(_LFS) or item["size"] > _LARGE else "regular"
            there = commit.tree.get(item["path"])
            oid = None if there is None else there.sha256 or there.oid
            ignore = any(fnmatch(item["path"], rule) for rule in rules)
            files.append({"path": item["path"], "uploadMode": mode, "shouldIgnore": ignore, "oid": oid})
        return {"files": files}

    def _discussions(self, name: str, repo: Repo) -> Any:
        found = [
            {"title": commits[-1].title, "num": number, "author": {"name": commits[-1].author}, "status": "open",
             "createdAt": commits[-1].date, "repo": {"name": name, "type": "dataset"}, "isPullRequest": True}
            for number, commits in repo.proposals.items() if number not in repo.closed
        ]  # fmt: skip
        return {"count": len(found), "start": 0, "discussions": found}

    def _commit(self, name: str, repo: Repo, revision: str) -> Any:
        lines = [json.loads(line) for line in self.body.splitlines() if line.strip()]
        header, branch = lines[0]["value"], repo.line(revision)
        tree = dict(branch[-1].tree)
        proposes = "create_pr" in self.query
        if header.get("parentCommit") and header["parentCommit"] != branch[-1].oid and not proposes:
            raise Answer(412, message="A commit has happened since. Please refresh and try again.")
        if proposes:
            tree = dict(repo.at(header.get("parentCommit") or "main").tree)
        for line in lines[1:]:
            value = line["value"]
            if line["key"] == "file":
                data = base64.b64decode(value["content"])
                tree[value["path"]] = File(blob(data), data)
            elif line["key"] == "lfsFile":
                data = self.hub.storage.get(value["oid"])
                if data is None:
                    raise Answer(400, message=f"LFS object {value['oid']} was not uploaded")
                pointer = f"oid sha256:{value['oid']}".encode()
                tree[value["path"]] = File(blob(pointer), data, value["oid"])
            elif line["key"] == "deletedFile":
                if value["path"] not in tree:
                    raise Answer(404, "EntryNotFound", "A file with this name doesn't exist")
                del tree[value["path"]]
        page, more = f"{self.hub.scheme}://{self.headers['Host']}/datasets/{name}", {}
        if proposes:
            number = len(repo.proposals) + 1
            branch = repo.proposals[number] = list(repo.commits)
            more = {"pullRequestUrl": f"{page}/discussions/{number}"}
        made = repo.commit(header["summary"], header.get("description", ""), str(self._user()), tree, branch)
        return {"success": True, "commitOid": made.oid, "commitUrl": f"{page}/commit/{made.oid}", **more}

    def _info(self, name: str, repo: Repo, commit: Commit) -> Any:
        return {
            "id": name, "author": _owner(name), "sha": commit.oid, "private": repo.private, "gated": repo.gated,
            "disabled": False, "tags": [], "downloads": 0, "likes": 0, "lastModified": commit.date,
            "siblings": [{"rfilename": path} for path in sorted(commit.tree)],
        }  # fmt: skip

    def _tree(self, commit: Commit, path: str) -> Any:
        prefix = f"{path}/" if path else ""
        inside = {p: f for p, f in sorted(commit.tree.items()) if p.startswith(prefix)}
        if path and not inside:
            raise Answer(404, "EntryNotFound", f"{path} does not exist")
        recursive = self.query.get("recursive", ["false"])[0].lower() in ("true", "1")
        entries: dict[str, Any] = {}
        for name, file in inside.items():
            steps = name.removeprefix(prefix).split("/")
            for depth in range(1, len(steps)):
                folder = prefix + "/".join(steps[:depth])
                if recursive or depth == 1:
                    entries.setdefault(folder, {"type": "directory", "oid": blob(folder.encode()), "size": 0,
                                                "path": folder})  # fmt: skip
            if recursive or len(steps) == 1:
                entries[name] = _entry(name, file)
        return list(entries.values())

    def _resolve(self, commit: Commit, path: str) -> tuple[int, bytes, dict[str, str]]:
        if path not in commit.tree:
            raise Answer(404, "EntryNotFound", f"{path} does not exist")
        file = commit.tree[path]
        etag = f'"{file.sha256 or file.oid}"'
        headers = {"X-Repo-Commit": commit.oid, "ETag": etag, "Accept-Ranges": "bytes",
                   "Content-Type": "application/octet-stream"}  # fmt: skip
        if file.sha256:
            headers |= {"X-Linked-Etag": etag, "X-Linked-Size": str(len(file.data))}
        if self.command == "HEAD":
            return 200, b"", {**headers, "Content-Length": str(len(file.data))}
        if match := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            first, last = int(match[1]), min(int(match[2] or len(file.data) - 1), len(file.data) - 1)
            headers["Content-Range"] = f"bytes {first}-{last}/{len(file.data)}"
            return 206, file.data[first : last + 1], headers
        return 200, file.data, headers


def _owner(name: str) -> str:
    return name.split("/", maxsplit=1)[0]


def _entry(path: str, file: File) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": "file", "oid": file.oid, "size": len(file.data), "path": path}
    if file.sha256:
        entry["lfs"] = {"oid": file.sha256, "size": len(file.data), "pointerSize": 134}
    return entry


class Server(ThreadingHTTPServer):
    """Connections in threads that end with the process."""

    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        pass  # a client that was killed, or a connection that was reset on purpose


def main() -> None:
    """Serve until killed."""
    Handler.hub = Hub()
    server = Server(("127.0.0.1", 0), Handler)
    if sys.argv[1:]:
        Handler.hub.scheme = "https"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*sys.argv[1:])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
