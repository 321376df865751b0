"""Throughput of the chat client: many requests to a server that answers in 200 ms and allows 64 at once.

    .venv/bin/python benchmarks/chat.py [REQUESTS]

Prints wall time against the ideal (requests / 64 * 0.2 s), CPU of the client, its memory after each tenth, and the same
again from the cache. The server is a process of its own.
"""

import json
import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fiubench.support.chat import ChatClient, Request

from tests.support.chat.server import ChatServer

DELAY, AT_ONCE = 0.2, 64
SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
ANSWER = json.dumps({"text": "A sentence of the length that answers have. " * 20})


def serve(pipe: Any) -> None:
    with ChatServer(lambda body: ANSWER, delay=DELAY, most_at_once=AT_ONCE, keep=False) as server:
        pipe.send(server.url)
        pipe.recv()
        pipe.send((server.highest, server.answered))


def resident() -> float:
    """Memory now, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,))
    process.start()
    url = ours.recv()
    text = "Reword these sentences, keep every placeholder. " * 30
    ideal = count / AT_ONCE * DELAY
    with tempfile.TemporaryDirectory() as folder:
        for what in ("asked", "from the cache"):
            client = ChatClient(url, "m", cache=Path(folder) / "c.sqlite3", concurrency=AT_ONCE)
            if what == "asked":
                client.capability()
            requests = (Request(str(i), [{"role": "user", "content": f"{text}{i}"}], SCHEMA) for i in range(count))
            began, cpu = time.monotonic(), time.process_time()
            memory = []
            for number, outcome in enumerate(client.ask_all(requests)):
                assert outcome.accepted
                assert outcome.request.id == str(number)
                if number % (count // 10) == 0:
                    memory.append(resident())
            wall, cpu = time.monotonic() - began, time.process_time() - cpu
            ratio = f" = {wall / ideal:.2f} x the ideal {ideal:.1f} s" if what == "asked" else ""
            print(f"{count} {what}: {wall:.1f} s{ratio}, {cpu / count * 1000:.2f} ms CPU each, {dict(client.events)}")
            print("  memory, MB: " + " ".join(f"{m:.0f}" for m in memory))
            client.close()
    ours.send(None)
    highest, answered = ours.recv()
    print(f"server: at most {highest} at once, {answered} answered")
    process.join()


if __name__ == "__main__":
    main()
