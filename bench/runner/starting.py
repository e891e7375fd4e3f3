"""Connections that each have a process started: by hand, as a load generator for messages opens few."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from .servers import Failed

_LINE = b"a line"
# A text message with a mask of zeros, and what comes back.
_SAID = bytes([0x81, 0x80 | len(_LINE), 0, 0, 0, 0]) + _LINE
_HEARD = bytes([0x81, len(_LINE)]) + _LINE
_PATIENCE = 30


async def come_and_go(port: int, at_once: int, duration: float) -> int:
    """How many connect, hear a line of their own process and leave, so many at once, in so many seconds."""
    until = time.monotonic() + duration
    gone = 0

    async def again_and_again() -> None:
        nonlocal gone
        while time.monotonic() < until:
            (await _open(port)).close()
            gone += 1

    await asyncio.gather(*(again_and_again() for _ in range(at_once)))
    return gone


@asynccontextmanager
async def held(port: int, connections: int) -> AsyncIterator[None]:
    """So many connections, each of which has heard a line of its own process."""
    writers = []
    try:
        for _ in range(connections):
            writers.append(await _open(port))
        # What was started last settles.
        await asyncio.sleep(1)
        yield
    finally:
        for writer in writers:
            writer.close()


async def _open(port: int) -> asyncio.StreamWriter:
    """Connects, says a line and hears it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = (
        f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    writer.write(head.encode())
    async with asyncio.timeout(_PATIENCE):
        answer = await reader.readuntil(b"\r\n\r\n")
        if not answer.startswith(b"HTTP/1.1 101 "):
            raise Failed(f"it answered {answer.splitlines()[0]!r}")
        writer.write(_SAID)
        heard = await reader.readexactly(len(_HEARD))
    if heard != _HEARD:
        raise Failed(f"it said {heard!r}")
    return writer
