"""A server by PyPI `websockets`, in a thread, which sends back what it hears and remembers it."""

import asyncio
import threading
from contextlib import suppress

from websockets import ConnectionClosed
from websockets.asyncio.server import basic_auth, serve

ORDERS = {
    "/escape": ["\x1b[2Jgone\x07", "\x9b31mred\u202e"],
    "/json": ['{"n": 1.50, "list": [true, null, "' + "x" * 80 + '"], "empty": {}}'],
    "/binary": [bytes(range(40))],
}


class Peer:
    """Listens on a free port; the path says what it does besides."""

    def __init__(self, **options):
        self.heard = []
        self.closes = []
        self._ready = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self._run(options)), daemon=True).start()
        self._ready.wait()

    async def _run(self, options):
        user = options.pop("user", None)
        if user is not None:
            options["process_request"] = basic_auth(realm="test", credentials=user)
        async with serve(self._serve, "127.0.0.1", 0, **options) as server:
            self.port = server.sockets[0].getsockname()[1]
            self._ready.set()
            await asyncio.get_running_loop().create_future()

    async def _serve(self, line):
        path = line.request.path
        for message in ORDERS.get(path, []):
            await line.send(message)
        if path == "/goodbye":
            await line.close(1011, "out of order")
        if path == "/bye":
            await line.close(1000, "done")
        with suppress(ConnectionClosed):
            async for message in line:
                self.heard.append(message)
                await line.send(message)
        self.closes.append((line.close_code, line.close_reason))

    def url(self, path="/"):
        return f"ws://127.0.0.1:{self.port}{path}"
