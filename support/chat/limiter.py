"""How many calls may be under way at one server: fewer when it asks for that, none for a while when it fails.

Additive increase, multiplicative decrease, as congestion control does it: halved when a call that was sent after the
last halving is answered with 429, one more for each success up to half of what was too many, then one more for each
round of successes. Eight failures in a row open the circuit: nothing is sent for a while, then one call at a time until
one succeeds.
"""

import asyncio
import sys
import time

_TRIP = 8  # failures in a row
_FIRST_REST, _LONGEST_REST = 1.0, 30.0  # seconds
_POLL = 0.02
#: Seconds between two calls, at least. A burst of calls is answered in a burst, which the event loop works off side by
#: side, so that the next calls are a burst again, sent when the last of it is done; spaced ones stay spaced.
_GAP = 0.002


class Limiter:
    """The slots of one endpoint. Use as ``await acquire()`` .. ``release()``; tell it what the server did."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.limit = float(most)
        self.busy = 0
        self.last_success = float("-inf")  # when the latest call that succeeded was sent
        self._threshold = float(most)
        self._halved = float("-inf")
        self._paused_until = float("-inf")
        self._next = float("-inf")  # when the next call may go
        self._failures = 0
        self._rest = _FIRST_REST
        self._waiting: asyncio.Condition | None = None

    def _condition(self) -> asyncio.Condition:
        if self._waiting is None:
            self._waiting = asyncio.Condition()
        return self._waiting

    async def acquire(self) -> None:
        """Wait for a slot."""
        condition = self._condition()
        async with condition:
            while True:
                wait = self._paused_until - time.monotonic()
                if wait > 0:
                    condition.release()
                    try:
                        await asyncio.sleep(min(wait, 1.0) + _POLL)
                    finally:
                        await condition.acquire()
                elif self.busy < max(1.0, self.limit // 1):
                    break
                else:
                    await condition.wait()
            self.busy += 1
        self._next = max(time.monotonic(), self._next + _GAP)
        try:
            await asyncio.sleep(max(0.0, self._next - time.monotonic()))
        except asyncio.CancelledError:
            await self.release()
            raise

    async def release(self) -> None:
        """Give the slot back."""
        self.busy -= 1
        async with self._condition():
            self._condition().notify(2)  # the limit may have grown by one as well

    def dissolve(self) -> None:
        """The run stops: let everyone pass at once, to find that out."""
        self.limit, self.most = float("inf"), sys.maxsize
        self._paused_until = float("-inf")

    def slowed(self, sent: float, wait: float) -> None:
        """The server answered 429 to a call that was sent at ``sent`` (monotonic); it asks to wait ``wait`` seconds."""
        now = time.monotonic()
        if sent > self._halved:
            self.limit = self._threshold = max(1.0, self.limit / 2)
            self._halved = now
        self._paused_until = max(self._paused_until, now + wait)

    def failed(self) -> None:
        """A call failed: no connection, no answer in time, or the server's own error."""
        self._failures += 1
        if self._failures >= _TRIP and time.monotonic() >= self._paused_until:
            self.limit = 1.0
            self._paused_until = time.monotonic() + self._rest
            self._rest = min(self._rest * 2, _LONGEST_REST)

    def succeeded(self, sent: float) -> None:
        """A call that was sent at ``sent`` was answered."""
        self._failures = 0
        self._rest = _FIRST_REST
        self.last_success = max(self.last_success, sent)
        step = 1.0 if self.limit < self._threshold else 1.0 / self.limit
        self.limit = min(float(self.most), self.limit + step)
