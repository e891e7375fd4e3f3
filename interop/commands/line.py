"""A WebSocket by hand: so many of them that a library would be the slow part."""

import asyncio
import socket
import struct
from contextlib import asynccontextmanager

TEXT, CLOSE, PING = 0x1, 0x8, 0x9


class Line:
    def __init__(self, reader, writer):
        self._reader, self._writer = reader, writer

    def say(self, text):
        self._send(TEXT, text.encode())

    async def hear(self):
        """The next text; it is less than 126 bytes long."""
        opcode, payload = await self._next()
        assert opcode == TEXT, f"opcode {opcode}"
        return payload.decode()

    async def close(self):
        """Closes as a browser does, and waits for the answer."""
        self._send(CLOSE, struct.pack("!H", 1000))
        while (await self._next())[0] != CLOSE:
            pass

    def reset(self):
        """Is gone as if its machine were switched off and on."""
        its_socket = self._writer.get_extra_info("socket")
        its_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def _send(self, opcode, payload):
        # A mask of zeros.
        self._writer.write(bytes([0x80 | opcode, 0x80 | len(payload), 0, 0, 0, 0]) + payload)

    async def _next(self):
        while True:
            first, length = await self._reader.readexactly(2)
            assert length < 126, f"length {length}"
            payload = await self._reader.readexactly(length)
            if first & 0xF != PING:
                return first & 0xF, payload


@asynccontextmanager
async def opened(port, path, reads=True):
    """A line that is open; what was not closed is left by closing the socket."""
    # Of one that reads nothing not even this side of the kernel takes much.
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**16 if reads else 1)
    try:
        head = (
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        writer.write(head.encode())
        if reads:
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 101 "), answer.splitlines()[0]
        yield Line(reader, writer)
    finally:
        writer.close()
